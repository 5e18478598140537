/** What can be done with a run, a version, an endpoint or an alert. Which of it is allowed, the command says. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { safeLink } from '../results/view';
import type { AlertRow, EndpointRow, RunRow, VersionRow } from '../server/types';
import type { Offer } from './lab';

type Words = TranslationBundle;

export function offersOfRuns(runs: RunRow[], trans: Words): Offer[] {
  const [first] = runs;
  if (!first) {
    return [];
  }
  const refs = runs.map(run => `run:${run.run_id}`);
  if (runs.length > 1) {
    return [
      { label: trans.__('Compare'), place: { kind: 'compare', runs: runs.map(run => run.run_id) } },
      { label: trans.__('Compare in a cell'), act: { command: 'compare', parameters: { refs } } }
    ];
  }
  const [ref = ''] = refs;
  return [
    { label: trans.__('Open'), place: { kind: 'run', id: first.run_id, title: first.name } },
    { label: trans.__('Register…'), act: { command: 'register', parameters: { name: '', run: ref } } },
    { label: trans.__('Lineage'), act: { command: 'lineage', parameters: { subject: ref } } },
    { label: trans.__('Reproduce'), act: { command: 'reproduce', parameters: { run: ref } } }
  ];
}

export function offersOfVersion(model: string, version: VersionRow, trans: Words): Offer[] {
  const ref = `${model}/${version.version}`;
  const run = version.lineage.run;
  return [
    { label: trans.__('Promote'), act: { command: 'promote', parameters: { model: ref } } },
    { label: trans.__('Deploy'), act: { command: 'deploy', parameters: { model: ref, name: model } } },
    { label: trans.__('Card'), act: { command: 'card', parameters: { model: ref } } },
    { label: trans.__('Validate…'), act: { command: 'validate model', parameters: { model: ref, data: '', target: '' } } },
    { label: trans.__('Lineage'), act: { command: 'lineage', parameters: { subject: ref } } },
    { label: trans.__('Approve'), act: { command: 'approve', parameters: { model: ref } } },
    { label: trans.__('Roll back to this version'), act: { command: 'rollback', parameters: { name: model, to: version.version } } },
    ...(run ? [{ label: trans.__('Open its run'), place: { kind: 'run' as const, id: run.run_id, title: run.name } }] : [])
  ];
}

export function offersOfModel(model: string, trans: Words): Offer[] {
  return [
    { label: trans.__('Open'), place: { kind: 'model', name: model } },
    { label: trans.__('Roll back'), act: { command: 'rollback', parameters: { name: model } } },
    { label: trans.__('Audit'), act: { command: 'audit', parameters: { name: model } } },
    { label: trans.__('Lineage'), act: { command: 'lineage', parameters: { subject: model } } },
    { label: trans.__('Deploy its champion'), act: { command: 'deploy', parameters: { model: `${model}@champion` } } }
  ];
}

export function offersOfEndpoint(endpoint: Pick<EndpointRow, 'name' | 'model' | 'url'>, trans: Words): Offer[] {
  const { name, model } = endpoint;
  const page = safeLink(endpoint.url);
  return [
    { label: trans.__('Open'), place: { kind: 'endpoint', name } },
    { label: trans.__('Monitor'), act: { command: 'monitor', parameters: { endpoint: name } } },
    { label: trans.__('Roll back'), act: { command: 'rollback', parameters: { name: model } } },
    { label: trans.__('Logs'), act: { command: 'logs', parameters: { name } } },
    ...(page ? [{ label: trans.__('Its own page'), href: page }] : []),
    { label: trans.__('Undeploy'), act: { command: 'undeploy', parameters: { endpoint: name } } }
  ];
}

export function offersOfAlert(alert: AlertRow, trans: Words): Offer[] {
  const { endpoint, rule } = alert;
  return [
    { label: trans.__('Open'), place: { kind: 'endpoint', name: endpoint } },
    { label: trans.__('Monitor'), act: { command: 'monitor', parameters: { endpoint } } },
    {
      label: trans.__('Silence for a day'),
      act: { command: 'alerts', parameters: { endpoint, silence: rule, until: '24h', reason: '' } }
    }
  ];
}
