/** The status bar: the experiment, its server and how many alerts ring; a click opens the side bar. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar, TextItem } from '@jupyterlab/statusbar';
import { ReactWidget } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import type { Lab } from '../actions/lab';
import { ILab, type LabOf } from '../actions/plugin';
import type { Said } from '../server/events';
import type { Project } from '../server/project';
import type { Projects } from '../server/projects';
import type { Status } from '../server/types';
import { useAnswer, usePresence } from '../sidebar/use';
import { short } from '../words/figures';

export const statusBar: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:statusbar',
  description: 'The experiment, its server and its alerts in the status bar.',
  autoStart: true,
  requires: [ILab],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, lab: LabOf, bar: IStatusBar | null): void => {
    const show = (part: string): void => void app.commands.execute('jupyter-mlops:show', { part });
    const item = ReactWidget.create(<Current lab={lab} show={show} />);
    bar?.registerStatusItem('jupyter-mlops:statusbar', { item, align: 'left', rank: 90 });
  }
};

const EVERY = 60_000;
const toldOf = (news: Said): Status | null => (news.kind === 'status' && news.status ? (news.status as Status) : null);

function Current({ lab, show }: { lab: LabOf; show: (part: string) => void }): React.JSX.Element {
  const [project, setProject] = useState(lab.projects.current);
  useEffect(() => {
    const changed = (_: Projects, now: Project): void => setProject(now);
    lab.projects.changed.connect(changed);
    return () => {
      lab.projects.changed.disconnect(changed);
    };
  }, [lab]);
  return <Item key={project.at} lab={lab.in(project)} show={show} />;
}

function Item({ lab, show }: { lab: Lab; show: (part: string) => void }): React.JSX.Element {
  const { project, trans } = lab;
  const { data, again } = useAnswer<Status>(project, 'status', {}, 'alerts', toldOf);
  useEffect(() => {
    // With the side bar closed nothing tells of changes: it is looked now and then, and not behind another window.
    const timer = setInterval(() => document.hidden || again(), EVERY);
    return () => clearInterval(timer);
  }, [again]);
  const there = usePresence(project);
  if (!data?.initialised) {
    return <></>;
  }
  const away = !there || data.tracking.state === 'down';
  const text = [short(data.experiment ?? '', 24), away ? trans.__('server away') : '', data.alerts ? trans._n('%1 alert', '%1 alerts', data.alerts) : ''];
  return (
    <button type="button" className="mlops-status" title={`${trans.__('MLOps')}: ${data.tracking.says}`} onClick={() => show(data.alerts ? 'alerts' : 'runs')}>
      <TextItem source={text.filter(Boolean).join(' · ')} />
    </button>
  );
}
