/** The side bar's parts, as tabs: room for what comes later is one more of them. */

import React, { useRef, useState } from 'react';

import type { Lab } from '../actions/lab';
import type { Said } from '../server/events';
import type { Status } from '../server/types';
import { AlertsView } from './alerts';
import { EndpointsView } from './endpoints';
import { Head } from './head';
import { ModelsView } from './models';
import { RunsView } from './runs';
import { useAnswer } from './use';
import { Welcome } from './welcome';

interface Part {
  id: string;
  label: string;
  draw: (lab: Lab) => React.JSX.Element;
}

export function partsOf({ trans }: Lab): Part[] {
  return [
    { id: 'runs', label: trans.__('Runs'), draw: lab => <RunsView lab={lab} /> },
    { id: 'models', label: trans.__('Models'), draw: lab => <ModelsView lab={lab} /> },
    { id: 'endpoints', label: trans.__('Endpoints'), draw: lab => <EndpointsView lab={lab} /> },
    { id: 'alerts', label: trans.__('Alerts'), draw: lab => <AlertsView lab={lab} /> }
  ];
}

const toldOf = (news: Said): Status | null => (news.kind === 'status' && news.status ? (news.status as Status) : null);

export function App({ lab, part, choose }: { lab: Lab; part: string; choose: (id: string) => void }): React.JSX.Element {
  const status = useAnswer<Status>(lab.project, 'status', {}, 'alerts', toldOf);
  const { data } = status;
  const root = data?.root ?? '';
  return (
    <>
      <Head lab={lab} status={status} />
      {data && !data.initialised && <Welcome lab={lab} />}
      {data?.initialised && <Parts key={root} lab={lab} alerts={data.alerts} part={part} choose={choose} />}
    </>
  );
}

function Parts({ lab, alerts, part, choose }: { lab: Lab; alerts: number; part: string; choose: (id: string) => void }): React.JSX.Element {
  const parts = partsOf(lab);
  const shown = parts.find(one => one.id === part) ?? parts[0];
  const tabs = useRef<HTMLDivElement>(null);
  const [order] = useState(() => parts.map(one => one.id));
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = order[(order.indexOf(shown?.id ?? '') + (step ?? 0) + order.length) % order.length];
    if (step && next) {
      event.preventDefault();
      choose(next);
      tabs.current?.querySelector<HTMLElement>(`[data-part="${next}"]`)?.focus();
    }
  };
  return (
    <>
      <div ref={tabs} className="mlops-tabs" role="tablist" aria-label={lab.trans.__('Parts of the project')} onKeyDown={onKeyDown}>
        {parts.map(one => (
          <button
            key={one.id}
            type="button"
            role="tab"
            id={`mlops-tab-${one.id}`}
            data-part={one.id}
            aria-selected={one === shown}
            aria-controls="mlops-part"
            tabIndex={one === shown ? 0 : -1}
            onClick={() => choose(one.id)}
          >
            {one.label}
            {one.id === 'alerts' && alerts > 0 && <span className="mlops-count"> {alerts}</span>}
          </button>
        ))}
      </div>
      <div id="mlops-part" className="mlops-part" role="tabpanel" aria-labelledby={`mlops-tab-${shown?.id ?? ''}`}>
        {shown?.draw(lab)}
      </div>
    </>
  );
}
