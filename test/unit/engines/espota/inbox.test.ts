import { expect, test } from 'vitest';
import { OtaError } from '../../../../src/model/errors.ts';
import { createInbox } from '../../../../src/engines/espota/inbox.ts';

const now = (): number => performance.now();
const { signal } = new AbortController();
const soon = (): number => now() + 20_000;

test('gives what came in the order in which it came, also before anybody asked', async () => {
  const inbox = createInbox<number>(now);
  inbox.put(1);
  inbox.put(2);
  expect(await inbox.next({ untilMs: soon(), signal })).toBe(1);
  const third = inbox.next({ untilMs: soon(), signal }).then(() => inbox.next({ untilMs: soon(), signal }));
  inbox.put(3);
  expect(await third).toBe(3);
});

test('two that come at once wake once and are both there', async () => {
  const inbox = createInbox<number>(now);
  const first = inbox.next({ untilMs: soon(), signal });
  inbox.put(1);
  inbox.put(2);
  expect(await first).toBe(1);
  expect(await inbox.next({ untilMs: now(), signal })).toBe(2);
});

test('nothing at the limit; what came by then all the same', async () => {
  const inbox = createInbox<number>(now);
  expect(await inbox.next({ untilMs: now() + 2, signal })).toBeUndefined();
  expect(await inbox.next({ untilMs: -Infinity, signal })).toBeUndefined();
  inbox.put(1);
  expect(await inbox.next({ untilMs: now() - 1, signal })).toBe(1);
});

test('an abort ends the wait at once, with its reason', async () => {
  const inbox = createInbox<number>(now);
  const controller = new AbortController();
  const waiting = inbox.next({ untilMs: soon(), signal: controller.signal });
  controller.abort(new OtaError('TIMEOUT', 'enough'));
  await expect(waiting).rejects.toMatchObject({ code: 'TIMEOUT' });
});

test('after an abort nothing is given any more, not even what is there', async () => {
  const inbox = createInbox<number>(now);
  inbox.put(1);
  await expect(inbox.next({ untilMs: soon(), signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'CANCELLED',
  });
});
