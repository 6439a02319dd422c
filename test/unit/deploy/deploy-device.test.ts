import { describe, expect, it } from 'vitest';
import { deploy } from '../../../src/deploy/deploy-device.ts';
import type { DeployOptions, ReadyImage } from '../../../src/deploy/push-types.ts';
import type { Engine } from '../../../src/engines/engine.ts';
import { espota } from '../../../src/engines/espota/index.ts';
import { OtaError } from '../../../src/model/errors.ts';
import type { EventBody } from '../../../src/model/events.ts';
import type { Device, Image, Platform, Target } from '../../../src/model/types.ts';

const device: Device = {
  name: 'hall',
  host: '192.0.2.7',
  credential: { type: 'none' },
  acceptFrom: 'device',
  engine: 'espota',
  interfaces: [],
};

function imageFor(platform: Platform | undefined, more: Partial<Image> = {}): Image {
  return {
    path: '/p/firmware.bin',
    bytes: new Uint8Array(1024),
    sizeBytes: 1024,
    md5: 'a'.repeat(32),
    sha256: 'b'.repeat(64),
    kind: 'firmware',
    ...(platform === undefined ? {} : { platform, chip: platform }),
    ...more,
  };
}

/** An engine that notes what it is asked for, and sends nothing anywhere. */
function notedEngine(send: () => Promise<void> = () => Promise.resolve(), onPrepare = () => {}) {
  const calls: string[] = [];
  const targets: Target[] = [];
  const engine: Engine = {
    ...espota,
    prepare: (target) => {
      calls.push('prepare');
      targets.push(target);
      onPrepare();
      return Promise.resolve({
        send: async ({ sizeBytes }) => {
          calls.push('send');
          await send();
          return { durationMs: 1, sizeBytes, sentBytes: sizeBytes, countedBytes: sizeBytes };
        },
        close: () => Promise.resolve(void calls.push('close')),
      });
    },
  };
  return { engine, calls, targets };
}

interface Scene extends Partial<Omit<DeployOptions, 'engine' | 'tell'>> {
  readonly device?: Partial<Device>;
  readonly coming?: Promise<ReadyImage>;
  readonly image?: Image;
  readonly send?: () => Promise<void>;
  /** In place of those of the engine. */
  readonly parts?: Partial<Engine>;
  readonly onPrepare?: () => void;
}

async function run(scene: Scene = {}) {
  const { device: more, image = imageFor('esp8266'), send, onPrepare, coming, parts, ...options } = scene;
  const events: EventBody[] = [];
  const noted = notedEngine(send, onPrepare);
  const outcome = await deploy({ device: { ...device, ...more } }, coming ?? Promise.resolve({ image }), {
    tell: (event) => events.push(event),
    signal: new AbortController().signal,
    allowed: new Set(),
    dryRun: false,
    ...options,
    engine: { ...noted.engine, ...parts },
  });
  return { outcome, events, types: events.map(({ type }) => type), ...noted };
}

describe('the flow for one device', () => {
  it('goes from the image to a receipt, and closes the session', async () => {
    const { outcome, types, calls } = await run();
    expect(outcome).toMatchObject({ type: 'deployed', receipt: { sizeBytes: 1024 } });
    expect(types).toEqual(['device-located', 'rebooting', 'unverified']);
    expect(calls).toEqual(['prepare', 'send', 'close']);
  });

  it('opens its sockets while the image is in the making, where the port is known by then', async () => {
    let onPrepare = (): void => {};
    const coming = new Promise<ReadyImage>((resolve) => {
      onPrepare = () => resolve({ image: imageFor('esp8266') });
    });
    const { outcome, calls } = await run({ coming, onPrepare, device: { port: 8266 } });
    expect(outcome.type).toBe('deployed');
    expect(calls).toEqual(['prepare', 'send', 'close']);
  });

  it('holds no port that was chosen by hand for as long as a build takes', async () => {
    const coming = Promise.reject(new OtaError('BUILD_FAILED', 'The build failed.'));
    const { calls } = await run({ coming, device: { port: 8266, hostPort: 48_266 } });
    expect(calls).toEqual([]);
  });

  it('leaves it to the engine which port is meant, and whom it does not push to', async () => {
    // Over espota this port is refused.
    const web = { port: 65_280 };
    const other = { refuses: () => undefined, defaultPort: () => 80 };
    expect((await run({ device: web, parts: other })).outcome.type).toBe('deployed');
    expect((await run({ parts: other })).targets).toMatchObject([{ port: 80 }]);
    const refused = await run({ device: web });
    expect(refused.outcome).toMatchObject({ type: 'failed', error: { code: 'PROTOCOL_ERROR' } });
    const error = new OtaError('PROTOCOL_ERROR', 'Not this one.');
    const { outcome, calls } = await run({ parts: { refuses: () => error } });
    expect(outcome).toMatchObject({ type: 'failed', error: { message: 'Not this one.' } });
    expect([...refused.calls, ...calls]).toEqual([]);
  });

  it('stops before the first datagram with --dry-run', async () => {
    const { outcome, types, calls } = await run({ dryRun: true });
    expect(outcome).toMatchObject({ type: 'skipped' });
    expect(types).toEqual(['device-located', 'skipped']);
    expect(calls).toEqual(['prepare', 'close']);
  });

  it.each([
    { what: 'the configured one', device: { port: 4711, platform: 'esp32' as const }, port: 4711 },
    { what: 'that of the configured platform', device: { platform: 'rp2040' as const }, port: 2040 },
    { what: 'that of the image', device: {}, port: 8266 },
  ])('takes as port $what', async ({ device: more, port }) => {
    const { targets } = await run({ device: more, allowed: 'all' });
    expect(targets.map((target) => target.port)).toEqual([port]);
  });

  it('asks for a port where nothing says one', async () => {
    const { outcome, calls } = await run({ image: imageFor(undefined) });
    expect(outcome).toMatchObject({ type: 'failed', stage: 'locate', error: { code: 'USAGE' } });
    expect(calls).toEqual([]);
  });

  it('ends with what the build met, and tells it as a failure of the build', async () => {
    const error = new OtaError('BUILD_FAILED', 'It did not compile.');
    const { outcome, events, calls } = await run({ coming: Promise.reject(error) });
    expect(outcome).toEqual({ type: 'failed', stage: 'build', error });
    expect(events).toMatchObject([{ type: 'failed', code: 'BUILD_FAILED', stage: 'build' }]);
    expect(calls).toEqual([]);
  });

  it('tells an unfit image as a failure of the image', async () => {
    const coming = Promise.reject(new OtaError('IMAGE_INCOMPLETE', 'Half of it is missing.'));
    expect((await run({ coming })).outcome).toMatchObject({ type: 'failed', stage: 'image' });
  });

  it('closes the session when the push fails', async () => {
    const send = () => Promise.reject(new OtaError('CONNECTION_LOST', 'hall closed the connection.'));
    const { outcome, types, calls } = await run({ send });
    expect(outcome).toMatchObject({ type: 'failed', stage: 'push', error: { code: 'CONNECTION_LOST' } });
    expect(types).toEqual(['device-located', 'failed']);
    expect(calls).toEqual(['prepare', 'send', 'close']);
  });

  it('throws what is a mistake of otarc', async () => {
    const send = () => Promise.reject(new TypeError('undefined is not a function'));
    await expect(run({ send })).rejects.toThrow(TypeError);
  });

  it('was interrupted: nothing is looked for and nothing sent', async () => {
    const signal = AbortSignal.abort(new OtaError('CANCELLED', 'Interrupted.'));
    const { outcome, calls } = await run({ signal });
    expect(outcome).toMatchObject({ type: 'failed', error: { code: 'CANCELLED' } });
    expect(calls).toEqual([]);
  });
});

describe('an image that the device cannot run', () => {
  const wrong = { image: imageFor('esp32'), device: { platform: 'esp8266' } } as const;

  it('is not sent', async () => {
    const { outcome, calls } = await run(wrong);
    expect(outcome).toMatchObject({ type: 'failed', stage: 'image', error: { code: 'IMAGE_WRONG_CHIP' } });
    // What was opened while the image was in the making is given back.
    expect(calls).toEqual(['prepare', 'close']);
  });

  it.each([{ allowed: 'all' as const }, { allowed: new Set(['IMAGE_WRONG_CHIP'] as const) }])(
    'is sent with a warning when that is allowed',
    async ({ allowed }) => {
      const { outcome, events } = await run({ ...wrong, allowed });
      expect(outcome.type).toBe('deployed');
      expect(events).toContainEqual(expect.objectContaining({ type: 'log', level: 'warn' }));
    },
  );

  it('is not sent when another check is allowed', async () => {
    expect((await run({ ...wrong, allowed: new Set(['IMAGE_TOO_LARGE']) })).outcome.type).toBe('failed');
  });

  it.each([
    { what: 'a port that any device may have', device: { port: 4711 }, type: 'failed' },
    { what: 'the port of the ESP32', device: {}, type: 'deployed' },
    { what: 'a platform', device: { port: 4711, platform: 'esp32' as const }, type: 'deployed' },
  ])('may be one for the ESP32 where only $what is known', async ({ device: more, type }) => {
    expect((await run({ image: imageFor('esp32'), device: more })).outcome.type).toBe(type);
  });
});
