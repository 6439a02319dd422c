/** What the device prints reaches the real socket when it would reach the host. */

import type { Socket } from 'node:net';

import type { Timeline } from './timeline.ts';

export interface Outbox {
  /** `text` reaches the host at `dueMs`; what is due together goes out in one segment. Due times never go backwards. */
  print(text: string, dueMs: number): void;
  /** Closes the device's side when all is out. */
  end(dueMs: number): void;
}

export function createOutbox(socket: Socket, timeline: Timeline): Outbox {
  const queue: { text: string; dueMs: number }[] = [];
  let armed = false;

  const flush = (dueMs: number): void => {
    armed = false;
    let segment = '';
    for (let next = queue[0]; next && next.dueMs <= dueMs; next = queue[0]) {
      segment += next.text;
      queue.shift();
    }
    if (segment !== '' && socket.writable) socket.write(segment);
    arm();
  };
  const arm = (): void => {
    const next = queue[0];
    if (!next || armed) return;
    armed = true;
    timeline.at(next.dueMs, flush);
  };

  return {
    print: (text, dueMs) => {
      queue.push({ text, dueMs });
      arm();
    },
    end: (dueMs) => {
      // What was printed goes out first, whatever is due when.
      const lastMs = Math.max(dueMs, queue.at(-1)?.dueMs ?? dueMs);
      timeline.at(lastMs, () => {
        flush(lastMs);
        socket.end();
      });
    },
  };
}
