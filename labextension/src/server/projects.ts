/** The projects that are looked at: the one where one works, and those of pages and notebooks that stay open beside it. */

import { Signal } from '@lumino/signaling';

import { Project } from './project';
import type { Status } from './types';

export class Projects {
  /** One works in another one now. */
  readonly changed = new Signal<this, Project>(this);
  private readonly known = new Map<string, Project>();
  private now: Project;

  constructor(private readonly make: (at: string) => Project = at => new Project(at)) {
    this.now = this.at('');
  }

  get current(): Project {
    return this.now;
  }

  set current(project: Project) {
    if (project !== this.now) {
      this.now = project;
      this.changed.emit(project);
    }
  }

  /** The project of a folder: the server finds which it is. */
  at(folder: string): Project {
    const known = this.known.get(folder) ?? this.make(folder);
    this.known.set(folder, known);
    return known;
  }

  /** The project of a notebook. */
  of(path: string): Project {
    return this.at(path.slice(0, Math.max(path.lastIndexOf('/'), 0)));
  }

  /** Whether a notebook is in this project, though perhaps in another folder of it. */
  async same(project: Project, path: string): Promise<boolean> {
    const other = this.of(path);
    if (other === project) {
      return true;
    }
    const [one, two] = await Promise.all([project, other].map(each => each.get<Status>('status')));
    return one?.root === two?.root;
  }
}
