import type { Flags } from '../config/types.ts';
import type { Message } from '../discovery/protocol.ts';
import { step, type State } from '../discovery/protocol.ts';
import type { Io } from './io.ts';

export interface DiscoveryOptions {
  readonly flags: Flags;
}

/** `otarc discovery`: Arduino's pluggable discovery on stdin and stdout, until QUIT or the end of stdin. */
export async function discoveryCommand(_options: DiscoveryOptions, io: Io): Promise<number> {
  let state: State = 'alive';
  const say = (message: Message) => void io.stdout.write(`${JSON.stringify(message, null, 2)}\n`);
  io.stdin.setEncoding('utf8');
  let rest = '';
  for await (const chunk of io.stdin) {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const next = step(state, line);
      state = next.state;
      say(next.reply ?? { eventType: 'list', ports: [] });
      if (state === 'dead') return 0;
    }
  }
  return 0;
}
