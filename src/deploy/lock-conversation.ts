/** What is said between who holds a device and who waits for it. */

import { connect, type ListenOptions } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Holder {
  /** Absent: it has not said so within a second. */
  readonly pid?: number;
  /** ISO time. */
  readonly since?: string;
}

export interface ConversationEnd {
  readonly isOtarc: boolean;
  /** It ended without a word. */
  readonly isSilent: boolean;
}

/** With whoever listens at `place`. */
export function converseWithHolder(place: ListenOptions) {
  const socket = connect({ ...place } as Parameters<typeof connect>[0]);
  let text = '';
  let tell: (holder: Holder) => void = () => {};
  let isOtarc = false;
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    // Whatever else listens there may say as much as it likes.
    text = (text + chunk).slice(0, 1000);
    const hello = firstLineOf(text);
    if (isOtarc || hello?.['otarc'] !== 1) return;
    isOtarc = true;
    const { pid, since } = hello;
    tell({
      ...(typeof pid === 'number' ? { pid } : {}),
      ...(typeof since === 'string' ? { since } : {}),
    });
  });
  const ended = new Promise<ConversationEnd>((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => {
      resolve({ isOtarc, isSilent: text === '' });
    });
  });
  return {
    ended,
    onHello: (listener: (holder: Holder) => void) => {
      tell = listener;
    },
    close: () => socket.destroy(),
  };
}

type Word =
  | { readonly type: 'hello'; readonly holder: Holder }
  | { readonly type: 'ended'; readonly end: ConversationEnd }
  | { readonly type: 'late' };

/** What comes first from whoever listens at `place`. */
export async function firstWord(
  place: ListenOptions,
  { limitMs, signal }: { readonly limitMs: number; readonly signal?: AbortSignal },
): Promise<Word> {
  const conversation = converseWithHolder(place);
  const hello = new Promise<Word>((resolve) =>
    conversation.onHello((holder) => resolve({ type: 'hello', holder })),
  );
  const ended = conversation.ended.then((end): Word => ({ type: 'ended', end }));
  const late: Word = { type: 'late' };
  const limit = new AbortController();
  const ends = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]);
  const waited = sleep(limitMs, late, { signal: ends }).catch(() => late);
  try {
    return await Promise.race([hello, ended, waited]);
  } finally {
    limit.abort();
    conversation.close();
  }
}

/** Undefined while it has no end. */
function firstLineOf(text: string): Record<string, unknown> | undefined {
  const end = text.indexOf('\n');
  if (end === -1) return undefined;
  try {
    const value: unknown = JSON.parse(text.slice(0, end));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
