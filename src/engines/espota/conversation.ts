/**
 * Everything that goes over the sockets, told as `log` events of level `debug` with the time since the first datagram.
 * Nonces and responses are masked: who has both could try passwords against them.
 */

import type { Tell } from '../../model/events.ts';
import { thousands } from '../../model/numbers.ts';
import { printableAnswer } from './messages.ts';
import type { Connection, ExchangeInput, Transport } from './transport.ts';

/** Counts of the device, and parts of the image, are told together this often. */
const togetherMs = 1000;

export interface ConversationLog {
  /** The same input, noted. */
  heard(input: ExchangeInput): ExchangeInput;
  /** The same transport, listened to. */
  over(transport: Transport): Transport;
}

export function tellConversation({ tell, now }: { tell: Tell; now: () => number }): ConversationLog {
  let startedAtMs: number | undefined;
  let flow = noFlow;
  let flowAtMs = 0;
  let sentBytes = 0;
  let isOver = false;

  const say = (text: string): void => {
    // What still comes when the sockets are closing concerns nobody, and a run's last event is its `done`.
    if (isOver) return;
    startedAtMs ??= now();
    const seconds = ((now() - startedAtMs) / 1000).toFixed(3);
    tell({ type: 'log', level: 'debug', message: `${seconds} s ${text}` });
  };
  const flush = (): void => {
    if (flow.writtenBytes > 0) {
      const all = thousands(sentBytes);
      say(`TCP → ${thousands(flow.writtenBytes)} bytes of the image, ${all} in all`);
    }
    if (flow.reads > 0)
      say(`TCP ← ${flow.reads === 1 ? '1 count' : `${flow.reads} counts`}, the last "${flow.last}"`);
    flow = noFlow;
    flowAtMs = now();
  };
  const flushInTime = (): void => {
    if (now() - flowAtMs >= togetherMs) flush();
  };
  const written = (bytes: number): void => {
    sentBytes += bytes;
    flow = { ...flow, writtenBytes: flow.writtenBytes + bytes };
    flushInTime();
  };
  const heardBytes = (bytes: Uint8Array): void => {
    const text = printableAnswer(bytes);
    if (/^\d+$/.test(text)) {
      flow = { ...flow, reads: flow.reads + 1, last: text.slice(-24) };
      flushInTime();
      return;
    }
    flush();
    say(`TCP ← "${text}"`);
  };
  const listenedTo = (connection: Connection): Connection => ({
    ...connection,
    accept() {
      say(`TCP: connection from ${connection.address} taken`);
      flowAtMs = now();
      connection.accept();
    },
    write(bytes) {
      connection.write(bytes);
      written(bytes.length);
    },
    end() {
      flush();
      say('TCP: ended by otarc');
      connection.end();
    },
    reset() {
      flush();
      say(`TCP: connection from ${connection.address} reset by otarc`);
      connection.reset();
    },
  });

  const note = (input: ExchangeInput): void => {
    switch (input.type) {
      case 'datagram':
        return say(`UDP ← ${masked(printableAnswer(input.bytes))}`);
      case 'undeliverable':
        return say(`UDP ← undeliverable (${input.code})`);
      case 'connection':
        return say(`TCP ← connection from ${input.connection.address}`);
      case 'data':
        return heardBytes(input.bytes);
      case 'closed':
        flush();
        return say(`TCP ← closed${input.code === undefined ? '' : ` (${input.code})`}`);
      default:
        return input satisfies never;
    }
  };
  return {
    heard(input) {
      note(input);
      return input.type === 'connection' ? { ...input, connection: listenedTo(input.connection) } : input;
    },
    over: (transport) => ({
      ...transport,
      send(text, invitation) {
        say(`UDP → ${masked(text.trim())}`);
        transport.send(text, invitation);
      },
      close() {
        flush();
        isOver = true;
        return transport.close();
      },
    }),
  };
}

interface Flow {
  readonly writtenBytes: number;
  readonly reads: number;
  readonly last: string;
}

const noFlow: Flow = { writtenBytes: 0, reads: 0, last: '' };

/** What proves a password, in either direction. */
function masked(text: string): string {
  return text
    .replace(/^(AUTH) ([0-9a-fA-F]+)/, (_, word: string, nonce: string) => `${word} (${nonce.length} digits)`)
    .replace(/^200 \S+ \S+/, '200 (cnonce) (response)');
}
