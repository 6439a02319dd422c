/** Proof over real mDNS on loopback, of devices whose sketch says what it runs (`otarc.h`). */

import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer } from 'dns-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lockDevice } from '../../src/deploy/lock.ts';
import { deploy } from '../../src/deploy/deploy-device.ts';
import type { DeployOptions, Outcome } from '../../src/deploy/push-types.ts';
import { espota } from '../../src/engines/espota/index.ts';
import { OtaError } from '../../src/model/errors.ts';
import type { EventBody } from '../../src/model/events.ts';
import type { Device, Image } from '../../src/model/types.ts';
import type { VerifyConfig } from '../../src/model/verification.ts';
import type { VirtualDevice, VirtualDeviceOptions } from '../../src/simulator/index.ts';
import { recordsOf, type ResponderOptions, startResponder } from '../support/mdns-responder.ts';
import { plainImage } from '../support/plain-image.ts';
import { quickDevice } from '../support/otarc.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;
const freshName = () => `otarc-verify-${process.pid}-${(count += 1)}`;

const image = plainImage;
const files = Buffer.alloc(8192);
const filesystem: Image = {
  ...image,
  bytes: files,
  sizeBytes: files.length,
  md5: createHash('md5').update(files).digest('hex'),
  kind: 'filesystem',
};

const sums = { old: '0'.repeat(32), earlier: '1'.repeat(32), other: '2'.repeat(32), image: image.md5 };
const runOf = (boot: number): string => boot.toString(16).padStart(8, '0');

/** What the sketch says of itself; undefined: the device is not there. */
type Words = readonly string[] | undefined;
const says = (md5: string, run: number, boot = 'software'): Words => [
  `md5=${md5}`,
  `run=${runOf(run)}`,
  `boot=${boot}`,
];

interface Scene {
  readonly before?: Words;
  /** At the n-th question after it has taken the image, from 0, and later. */
  readonly after: (question: number) => Words;
  readonly verify?: Partial<VerifyConfig>;
  readonly image?: Image;
  readonly device?: Partial<Device>;
  readonly virtual?: Partial<VirtualDeviceOptions>;
  /** Where it is after its restart, by what it says. */
  readonly addressAfter?: string;
  readonly responder?: Partial<ResponderOptions>;
  readonly options?: Partial<DeployOptions>;
  readonly onEvent?: (event: EventBody) => void;
  /** The records that get through, at any time. */
  readonly heard?: (record: Answer) => boolean;
  /** Of an RP2040: its words stand in a second service. */
  readonly isPico?: boolean;
  readonly onDevice?: (device: VirtualDevice) => Promise<void> | void;
}

/** Pushes to a device that announces itself, and restarts when it has taken the image. */
async function push(scene: Scene): Promise<{ outcome: Outcome; events: EventBody[]; types: string[] }> {
  const { before, after, image: pushed = image, verify, virtual, responder, options, onEvent } = scene;
  const name = freshName();
  const device = await quickDevice({ name, ...virtual });
  const { address, port } = device;
  await scene.onDevice?.(device);
  let asked = -1;
  const records = (): Answer[] => {
    const isBefore = device.counters.reboots === 0;
    if (!isBefore) asked += 1;
    const words = isBefore ? (before ?? []) : after(asked);
    if (words === undefined) return [];
    const addresses = [isBefore ? address : (scene.addressAfter ?? address)];
    const board = scene.isPico === true ? ['board=rpipicow'] : ['board=ESP8266_NODEMCU', ...words];
    const records = recordsOf({ name, addresses, servicePort: port, text: board });
    if (scene.isPico === true)
      records.push({ type: 'TXT', name: `${name}._otarc._tcp.local`, ttl: 10, data: [...words] });
    return records.filter(scene.heard ?? (() => true));
  };
  const started = await startResponder({ name, addresses: [address], records, ...responder });
  onTestFinished(() => started.close());
  const events: EventBody[] = [];
  const usual: VerifyConfig = { method: 'auto', isAskedFor: false, timeoutMs: 15_000 };
  const outcome = await deploy(
    {
      device: {
        name: 'hall',
        host: name,
        platform: 'esp8266',
        credential: { type: 'none' },
        acceptFrom: 'device',
        engine: 'espota',
        interfaces: ['127.0.0.1'],
        verify: { ...usual, ...verify },
        ...(scene.device?.host === undefined ? {} : { port }),
        ...scene.device,
      },
    },
    Promise.resolve({ image: pushed }),
    {
      tell: (event) => {
        events.push(event);
        onEvent?.(event);
      },
      signal: new AbortController().signal,
      engine: espota,
      allowed: 'all',
      dryRun: false,
      knowsSum: (_, md5) => md5 === sums.earlier,
      ...options,
    },
  );
  const types = events.flatMap(({ type }) => (['progress', 'log', 'invited'].includes(type) ? [] : [type]));
  return { outcome, events, types };
}

/** What is sent to that address alone gets no answer. */
async function swallowQuestionsTo(host: string): Promise<void> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true }).bind(5353, host);
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
}

const before = says(sums.old, 1);
const lastOf = (events: readonly EventBody[]): EventBody | undefined => events.at(-1);

describe('a device that says what it runs', () => {
  it('is verified when it says the sum of the image after its restart', async () => {
    const { outcome, events, types } = await push({ before, after: () => says(sums.image, 2) });
    expect(outcome).toMatchObject({
      type: 'deployed',
      verification: { type: 'verified', method: 'announce' },
    });
    expect(types.slice(-3)).toEqual(['accepted', 'rebooting', 'verified']);
    expect(lastOf(events)).toMatchObject({
      proof: expect.stringMatching(/^says so itself, [\d.]+ s after the push$/),
    });
  });

  it('is verified after a forced push of the image that it runs, at its new boot mark', async () => {
    const { outcome } = await push({
      before: says(sums.image, 1),
      after: (question) => says(sums.image, question < 2 ? 1 : 2),
    });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'verified' } });
  });

  it.each(['old', 'earlier'] as const)(
    'fails with OLD_IMAGE_RUNS where its sum is the %s one',
    async (which) => {
      const { outcome, events } = await push({ before, after: () => says(sums[which], 2, 'exception') });
      expect(outcome).toMatchObject({
        type: 'failed',
        stage: 'verify',
        error: { code: 'OLD_IMAGE_RUNS', details: { md5: sums[which], resetReason: 'exception' } },
        verification: { type: 'old-image' },
      });
      expect(events.filter(({ type }) => type === 'failed')).toMatchObject([
        { message: expect.stringContaining('restarted with the old sketch') },
      ]);
    },
  );

  it('is not verified where nobody knows its sum', async () => {
    const { outcome, events } = await push({ before, after: () => says(sums.other, 2) });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'returned' } });
    expect(lastOf(events)).toMatchObject({
      type: 'unverified',
      method: 'return',
      reason: expect.stringContaining('reports a sum that otarc does not know'),
    });
  });

  it('fails with DEVICE_GONE where it does not return', async () => {
    const { outcome } = await push({ before, after: () => undefined, verify: { timeoutMs: 1500 } });
    expect(outcome).toMatchObject({
      type: 'failed',
      error: { code: 'DEVICE_GONE' },
      verification: { type: 'gone' },
    });
  });

  it('fails with its crash loop where it comes, goes and comes again', async () => {
    const { outcome } = await push({
      before,
      after: (question) => says(sums.image, 2 + question, 'watchdog'),
    });
    expect(outcome).toMatchObject({
      type: 'failed',
      error: {
        code: 'DEVICE_GONE',
        message: expect.stringMatching(/^hall restarts every [\d.]+ s: crash loop \(watchdog\)\.$/),
      },
      verification: { type: 'crash-loop', boot: 'watchdog' },
    });
  });

  it('is found again at another address', async () => {
    const { outcome } = await push({
      before,
      after: () => says(sums.image, 2),
      addressAfter: '127.0.0.23',
    });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'verified' } });
  });

  it('is asked by unicast where multicast is filtered', async () => {
    const host = '127.0.0.31';
    const { outcome } = await push({
      before,
      after: () => says(sums.image, 2),
      virtual: { host, flash: { msPerSector: 100 } },
      device: { host },
      responder: { from: host, hears: 'unicast', pointer: 'whole' },
      verify: { isAskedFor: true },
    });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'verified' } });
  });

  it('came back with a file system, and is asked for no sum', async () => {
    const { outcome, events } = await push({ before, after: () => says(sums.old, 2), image: filesystem });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'returned' } });
    expect(lastOf(events)).toMatchObject({ type: 'unverified', method: 'return' });
  });

  it('took the image when the wait for its word is cancelled', async () => {
    const stopped = new AbortController();
    const { outcome } = await push({
      before,
      after: () => undefined,
      options: { signal: stopped.signal },
      onEvent: ({ type }) => {
        if (type === 'rebooting')
          setImmediate(() =>
            stopped.abort(new OtaError('CANCELLED', 'Interrupted.', { details: { signal: 'SIGINT' } })),
          );
      },
    });
    expect(outcome).toMatchObject({
      type: 'failed',
      stage: 'verify',
      error: {
        code: 'CANCELLED',
        message: expect.stringContaining('hall took the image'),
        details: { signal: 'SIGINT' },
      },
    });
  });
});

describe('a device that says nothing of its sketch', () => {
  it('is not waited for', async () => {
    const { outcome, events } = await push({ before: [], after: () => undefined });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'not-checked' } });
    expect(lastOf(events)).toMatchObject({
      type: 'unverified',
      method: 'auto',
      reason: expect.stringContaining('otarc.h'),
    });
    expect(events.some((event) => event.type === 'log' && event.message.startsWith('waiting'))).toBe(false);
  });

  it('is waited for where proof is asked for, and has it where the new sketch is the first that says it', async () => {
    const { outcome } = await push({
      before: [],
      after: () => says(sums.image, 2),
      verify: { isAskedFor: true },
    });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'verified' } });
  });

  it('is back once, no crash loop, where questions to it alone do not get through', async () => {
    const host = '127.0.0.33';
    await swallowQuestionsTo(host);
    const { outcome } = await push({
      before: [],
      after: (question) => (question < 10 ? undefined : []),
      virtual: { host },
      responder: { from: '127.0.0.1' },
      verify: { method: 'return', isAskedFor: true },
    });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'returned' } });
  });

  it('fails with NOT_VERIFIED where its own word is asked for, and it only comes back', async () => {
    const { outcome } = await push({
      before,
      after: (question) => (question < 4 ? undefined : []),
      verify: { method: 'announce', isAskedFor: true },
    });
    expect(outcome).toMatchObject({ type: 'failed', error: { code: 'NOT_VERIFIED' } });
  });

  it.each([
    ['verify: none', { verify: { method: 'none' } }],
    ['the espota command', { device: { wording: 'espota' } }],
  ] as const)('is not checked with %s, whatever it says', async (_, scene) => {
    const { outcome } = await push({ before, after: () => says(sums.old, 2), ...scene });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'not-checked' } });
  });
});

describe('a device that is known by its address', () => {
  it('is asked while it takes the image, and waited for where it says what it runs', async () => {
    const host = '127.0.0.32';
    const { outcome } = await push({
      before,
      after: () => says(sums.old, 2),
      virtual: { host, flash: { msPerSector: 200 } },
      device: { host },
      responder: { from: host, pointer: 'whole' },
    });
    expect(outcome).toMatchObject({ type: 'failed', error: { code: 'OLD_IMAGE_RUNS' } });
  });
});

describe('a device whose words were not heard before the push', () => {
  it.each([
    ['with its text', false, /_arduino._tcp.local$/],
    ['with the second text of an RP2040', true, /_otarc._tcp.local$/],
  ])('is asked once more while it takes the image: the packet %s got lost', async (_, isPico, lost) => {
    let isLost = true;
    const { outcome } = await push({
      before,
      after: () => says(sums.image, 2),
      isPico,
      heard: ({ type, name }) => !(isLost && type === 'TXT' && lost.test(name)),
      onEvent: ({ type }) => {
        if (type === 'connected') isLost = false;
      },
      virtual: { flash: { msPerSector: 200 } },
      responder: { pointer: 'whole' },
    });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'verified' } });
  });
});

/** A web server of the device; `close`: its new sketch has none. */
async function webServer(answer: () => string) {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end(answer());
    server.emit('asked');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  onTestFinished(close);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const isAsked = async (): Promise<void> => {
    if (asked === 0) await once(server, 'asked');
  };
  return { url, close, isAsked };
}

describe('proof over HTTP beside what is announced', () => {
  it('decides where the device is not heard any more', async () => {
    let isNew = false;
    const { url } = await webServer(() => (isNew ? sums.image : sums.old));
    const { outcome } = await push({
      before,
      after: () => undefined,
      onEvent: ({ type }) => void (isNew ||= type === 'rebooting'),
      verify: { isAskedFor: true, http: { url, contains: '{md5}' } },
    });
    expect(outcome).toMatchObject({
      type: 'deployed',
      verification: { type: 'verified', method: 'http' },
    });
  });

  it('shows that the device is there, though it is not heard', async () => {
    const { url } = await webServer(() => sums.old);
    const { outcome } = await push({
      before,
      after: () => undefined,
      verify: { isAskedFor: true, timeoutMs: 1500, http: { url, contains: '{md5}' } },
    });
    expect(outcome).toMatchObject({ type: 'failed', error: { code: 'NOT_VERIFIED' } });
  });

  it('does not decide where the device says so itself first', async () => {
    const { url } = await webServer(() => sums.old);
    const { outcome } = await push({
      before,
      after: () => says(sums.image, 2),
      verify: { isAskedFor: true, http: { url, contains: '{md5}' } },
    });
    expect(outcome).toMatchObject({ verification: { type: 'verified', method: 'announce' } });
  });

  it.each([
    ['NOT_VERIFIED', 'is announced', says(sums.other, 2)],
    ['DEVICE_GONE', 'is not heard either', undefined],
  ] as const)('fails with %s where nothing answers, and the device %s', async (code, _, words) => {
    const { url, close } = await webServer(() => 'v1');
    const { outcome } = await push({
      before,
      after: () => words,
      // By then it has been asked what the old sketch says.
      onEvent: ({ type }) => void (type === 'rebooting' && close()),
      virtual: { flash: { msPerSector: 100 } },
      verify: { method: 'http', isAskedFor: true, timeoutMs: 4000, http: { url, contains: 'v2' } },
    });
    expect(outcome).toMatchObject({ type: 'failed', error: { code } });
  });

  it('knows by unicast that the device is there, where multicast is filtered and nothing answers', async () => {
    const host = '127.0.0.33';
    const { url, close } = await webServer(() => 'v1');
    const { outcome } = await push({
      before,
      after: () => says(sums.other, 2),
      onEvent: ({ type }) => void (type === 'rebooting' && close()),
      virtual: { host, flash: { msPerSector: 100 } },
      device: { host },
      responder: { from: host, hears: 'unicast', pointer: 'whole' },
      verify: { method: 'http', isAskedFor: true, timeoutMs: 6000, http: { url, contains: 'v2' } },
    });
    expect(outcome).toMatchObject({
      error: { code: 'NOT_VERIFIED', message: expect.stringContaining('is announced again, but nothing') },
    });
  });

  it('counts what the device says after the wait for another otarc, which may have pushed the same', async () => {
    let text = 'v1';
    const { url, isAsked } = await webServer(() => text);
    let release = (): void => undefined;
    const { outcome } = await push({
      before,
      after: () => says(sums.other, 2),
      onDevice: async ({ address, port }) => {
        const { signal } = new AbortController();
        ({ release } = await lockDevice({ name: 'hall', address, port, signal, onWait: () => undefined }));
        onTestFinished(() => release());
      },
      onEvent: (event) => {
        if (event.type !== 'log' || !/^waiting for .*updating this device$/.test(event.message)) return;
        void isAsked().then(() => {
          text = 'v2';
          release();
        });
      },
      virtual: { flash: { msPerSector: 100 } },
      verify: { method: 'http', isAskedFor: true, timeoutMs: 1500, http: { url, contains: 'v2' } },
    });
    expect(text).toBe('v2');
    expect(outcome).toMatchObject({
      type: 'failed',
      error: {
        code: 'NOT_VERIFIED',
        message: expect.stringContaining('the sketch before may have given it'),
      },
    });
  });
});

describe('a file system', () => {
  const usual = { url: 'http://127.0.0.1:9/' };
  it.each([
    ['its own word', { method: 'announce' }],
    ['a sum at a URL', { method: 'http', http: { ...usual, json: { pointer: '/md5', equals: '{md5}' } } }],
    ['a version at a URL', { http: { ...usual, contains: '{version}' } }],
    ['an identity at a URL', { method: 'http', http: { ...usual, matches: '{identity}' } }],
  ] as const)(
    'is proven by the return of the device, where its sketch is proven by %s',
    async (_, verify) => {
      const { outcome } = await push({
        before,
        after: () => says(sums.old, 2),
        image: filesystem,
        verify: { isAskedFor: true, ...verify },
      });
      expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'returned' } });
    },
  );

  it('is verified by a text at a URL that is one of its files', async () => {
    let text = 'old page';
    const { url } = await webServer(() => text);
    const { outcome } = await push({
      before,
      after: () => says(sums.old, 2),
      image: filesystem,
      onEvent: ({ type }) => void (type === 'rebooting' && (text = 'new page')),
      virtual: { flash: { msPerSector: 100 } },
      verify: { method: 'http', isAskedFor: true, http: { url, contains: 'new page' } },
    });
    expect(outcome).toMatchObject({ type: 'deployed', verification: { type: 'verified', method: 'http' } });
  });
});
