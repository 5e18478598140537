/** What can be done with what is selected: the first as buttons, the rest in a menu. Shift runs a cell at once. */

import React from 'react';

import { type Lab, type Offer, take } from '../actions/lab';

const BUTTONS = 3;
const LETTERS = 24;

export function Offers({ lab, offers, label }: { lab: Lab; offers: Offer[]; label: string }): React.JSX.Element {
  const { trans } = lab;
  const first = fitting(offers);
  const rest = offers.slice(first);
  const hint = trans.__('Puts a cell into the notebook; with Shift it runs at once');
  return (
    <div className="mlops-offers" role="toolbar" aria-label={label}>
      {offers.slice(0, first).map(offer => (
        <button
          key={offer.label}
          type="button"
          className="mlops-button"
          title={offer.act ? hint : offer.label}
          onClick={event => take(lab, offer, event.shiftKey)}
        >
          {offer.label}
        </button>
      ))}
      {rest.length > 0 && (
        <button
          type="button"
          className="mlops-button"
          aria-label={trans.__('More actions')}
          aria-haspopup="menu"
          onClick={event => {
            const box = event.currentTarget.getBoundingClientRect();
            lab.menu(rest, box.left, box.bottom);
          }}
        >
          …
        </button>
      )}
    </div>
  );
}

/** How many fit into one line of the side bar. */
function fitting(offers: Offer[]): number {
  let letters = 0;
  const over = offers.findIndex(offer => (letters += offer.label.length + 3) > LETTERS + 3);
  return Math.min(BUTTONS, over < 0 ? offers.length : Math.max(1, over));
}
