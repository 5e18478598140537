/** What pages are made of. */

import React from 'react';

import type { Lab, Offer } from '../actions/lab';
import { Badge } from '../results/cell';
import type { Tone } from '../results/view';
import { Offers } from '../sidebar/offers';

interface HeadProps {
  lab: Lab;
  title: string;
  badge?: { text: string; tone: Tone } | undefined;
  offers: Offer[];
  children?: React.ReactNode;
}

export function PageHead({ lab, title, badge, offers, children }: HeadProps): React.JSX.Element {
  return (
    <header>
      <h1 title={title}>
        {title} {badge && <Badge {...badge} />}
      </h1>
      <div className="mlops-note">{children}</div>
      <Offers lab={lab} offers={offers} label={lab.trans.__('Actions')} />
    </header>
  );
}

export function Section({ title, open = true, children }: { title: string; open?: boolean; children: React.ReactNode }): React.JSX.Element {
  return (
    <details className="mlops-section" open={open}>
      <summary>{title}</summary>
      {children}
    </details>
  );
}

/** Names and values, one below another. */
export function Facts({ facts }: { facts: [string, React.ReactNode][] }): React.JSX.Element {
  return (
    <table className="mlops-facts">
      <tbody>
        {facts.map(([name, value], index) => (
          <tr key={index}>
            <th scope="row">{name}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
