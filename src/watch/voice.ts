/** What a watch says outside its runs. */

import type { DeployEvent, EventBody, Tell } from '../model/events.ts';
import type { FileProblem } from './files.ts';
import { problemText } from './problems.ts';

export interface Voice {
  readonly tell: Tell;
  inform(message: string): void;
  warn(message: string): void;
  /** Each problem is told once. */
  onProblem(problem: FileProblem): void;
}

export function createVoice(onEvent: (event: DeployEvent) => void): Voice {
  const warned = new Set<string>();
  const tell = (event: EventBody): void => onEvent({ ...event, at: new Date().toISOString() });
  const warn = (message: string): void => tell({ type: 'log', level: 'warn', message });
  return {
    tell,
    inform: (message) => tell({ type: 'log', level: 'info', message }),
    warn,
    onProblem(problem) {
      const text = problemText(problem);
      if (!warned.has(text)) warn(text);
      warned.add(text);
    },
  };
}
