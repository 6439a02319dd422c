/**
 * One otarc a device at a time: the second waits for the first. What that has pushed, the history says.
 *
 * The lock is a listening socket whose address is made of the device's, so that the kernel gives it back when its holder
 * dies, however that dies; nothing is left on disk. Who finds it taken connects to it, is told who holds it, and waits
 * for the end of that connection.
 *
 *   listen ──ok──▶ held ──release──▶ the connections of those who wait are closed
 *     ▲  └─in use──▶ connect ──▶ waiting ──closed──┐
 *     └──────────────────────────────────────────┘   (limit: DEVICE_LOCKED)
 */

import { createHash } from 'node:crypto';
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled, OtaError } from '../model/errors.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import { converseWithHolder, firstWord, type Holder } from './lock-conversation.ts';

export type { Holder } from './lock-conversation.ts';

export interface LockRequest {
  /** For messages. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Default: `longestLockWaitMs`. */
  readonly waitMs?: number | undefined;
  readonly signal: AbortSignal;
  /** Told once for each holder that is waited for. */
  readonly onWait: (holder: Holder) => void;
  /** In place of this system's kind of address. */
  readonly places?: readonly ListenOptions[];
}

export interface Lock {
  /** By `Date.now()`: when it was found taken; undefined: it was free. */
  readonly waitedSinceMs?: number;
  /** Idempotent. */
  release(): void;
}

/** Long enough for one push to a slow device. */
export const longestLockWaitMs = 120_000;
const helloMs = 1000;

/**
 * Resolves when this process holds the device.
 *
 * @throws OtaError DEVICE_LOCKED when another otarc holds it for longer than `waitMs`; CANCELLED
 */
export async function lockDevice(request: LockRequest): Promise<Lock> {
  const { address, port, signal, waitMs = longestLockWaitMs } = request;
  const deadlineMs = performance.now() + waitMs;
  const places = request.places ?? placesFor(`${address}:${port}`);
  let waitedSinceMs: number | undefined;
  for (;;) {
    if (signal.aborted) throw cancelled(signal);
    const askedAtMs = Date.now();
    const attempt = await take(places);
    if (attempt.type === 'held') return withoutUndefined({ ...attempt.lock, waitedSinceMs });
    waitedSinceMs ??= askedAtMs;
    const end = await waitForHolder(attempt.place, { ...request, deadlineMs });
    const isLate = end.type === 'late' || performance.now() > deadlineMs;
    if (isLate) throw locked(request, end.type === 'late' ? end.holder : {}, waitMs);
    // A holder that is just going may refuse before its address is free.
    await sleep(20);
  }
}

/** Takes the lock where it is free now; waits for nothing but a word of who has it. */
export async function tryLock({
  address,
  port,
  signal,
}: Pick<LockRequest, 'address' | 'port' | 'signal'>): Promise<
  { readonly type: 'held'; readonly lock: Lock } | { readonly type: 'taken'; readonly holder: Holder }
> {
  const attempt = await take(placesFor(`${address}:${port}`));
  if (attempt.type === 'held') return attempt;
  const word = await firstWord(attempt.place, { limitMs: helloMs, signal });
  return { type: 'taken', holder: word.type === 'hello' ? word.holder : {} };
}

/**
 * The whole of `sun_path` (unix(7)). An abstract name has a length, and the kernel takes two of different length for two:
 * Node 20 pads it with NUL to the end, later ones do not.
 */
const socketNameBytes = 108;

/**
 * Where the kernel keeps the lock of a device: a name without a file where the system has such, else a port of the
 * loopback interface, of which another program may have one.
 */
export function placesFor(device: string, platform: NodeJS.Platform = process.platform): ListenOptions[] {
  const digest = createHash('sha256').update(device).digest();
  const name = digest.toString('hex').slice(0, 32);
  if (platform === 'linux') return [{ path: `\0otarc-${name}`.padEnd(socketNameBytes, '\0') }];
  if (platform === 'win32') return [{ path: `\\\\.\\pipe\\otarc-${name}` }];
  // Below every system's range of ephemeral ports that has such a range above 49,151, as macOS and the BSDs have.
  return [0, 2, 4].map((at) => ({ host: '127.0.0.1', port: 40_000 + (digest.readUInt16BE(at) % 9000) }));
}

type Attempt =
  { readonly type: 'held'; readonly lock: Lock } | { readonly type: 'taken'; readonly place: ListenOptions };

async function take(places: readonly ListenOptions[]): Promise<Attempt> {
  for (const place of places) {
    const server = await listen(place);
    if (server === 'impossible') continue;
    if (server !== 'in-use') return { type: 'held', lock: held(server) };
    // Of a name that is otarc's own nobody has to be asked. Who has gone in between leaves the place to be tried again.
    if (places.length === 1 || (await isOtarcs(place))) return { type: 'taken', place };
  }
  // A system that allows no such socket, or has none to spare, must not keep anybody from pushing.
  return { type: 'held', lock: { release: () => {} } };
}

function listen(place: ListenOptions): Promise<Server | 'in-use' | 'impossible'> {
  return new Promise((resolve) => {
    const server = createServer().unref();
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? 'in-use' : 'impossible'),
    );
    server.listen({ ...place, exclusive: true }, () => resolve(server));
  });
}

function held(server: Server): Lock {
  const waiters = new Set<Socket>();
  const hello = `${JSON.stringify({ otarc: 1, pid: process.pid, since: new Date().toISOString() })}\n`;
  server.on('connection', (socket) => {
    waiters.add(socket);
    socket.unref();
    socket.on('error', () => {});
    socket.on('close', () => waiters.delete(socket));
    socket.resume();
    socket.write(hello);
  });
  let isReleased = false;
  return {
    release: () => {
      if (isReleased) return;
      isReleased = true;
      // Free before the waiters are told: they try at once.
      server.close();
      for (const socket of waiters) socket.end(() => socket.destroy());
    },
  };
}

type HolderEnd = { readonly type: 'gone' } | { readonly type: 'late'; readonly holder: Holder };

async function waitForHolder(
  place: ListenOptions,
  { deadlineMs, signal, onWait }: LockRequest & { readonly deadlineMs: number },
): Promise<HolderEnd> {
  const conversation = converseWithHolder(place);
  let holder: Holder = {};
  let isTold = false;
  const tellOnce = (): void => {
    if (!isTold) onWait(holder);
    isTold = true;
  };
  const unknown = setTimeout(tellOnce, helloMs);
  const over = new AbortController();
  const limit = sleep(Math.max(0, deadlineMs - performance.now()), undefined, {
    signal: AbortSignal.any([signal, over.signal]),
  }).catch(() => undefined);
  conversation.onHello((found) => {
    holder = found;
    tellOnce();
  });
  try {
    const end = await Promise.race([conversation.ended, limit]);
    if (signal.aborted) throw cancelled(signal);
    if (end === undefined) return { type: 'late', holder };
    return { type: 'gone' };
  } finally {
    clearTimeout(unknown);
    over.abort();
    conversation.close();
  }
}

/** Whether an otarc listens there, or has until a moment ago. */
async function isOtarcs(place: ListenOptions): Promise<boolean> {
  const word = await firstWord(place, { limitMs: helloMs });
  return word.type === 'hello' || (word.type === 'ended' && (word.end.isOtarc || word.end.isSilent));
}

/** `another otarc (process 4711)` */
export function holderText({ pid }: Holder): string {
  return `another otarc${pid === undefined ? '' : ` (process ${pid})`}`;
}

function locked({ name, address, port }: LockRequest, holder: Holder, waitMs: number): OtaError {
  const { pid, since } = holder;
  const seconds = Math.round(waitMs / 1000);
  return new OtaError(
    'DEVICE_LOCKED',
    `${name} is being updated by ${holderText(holder)}, which did not end within ${seconds} s.`,
    {
      hint:
        pid === undefined
          ? 'Wait until it is done, or end it; then try again.'
          : `Wait until it is done, or end process ${pid}; then try again.`,
      details: {
        address,
        port,
        ...(pid === undefined ? {} : { pid }),
        ...(since === undefined ? {} : { since }),
      },
    },
  );
}
