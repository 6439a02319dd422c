/** Failures that the checks before a push do not let through, or of one kind: the engine alone against a virtual device. */

import { afterEach, expect, test } from 'vitest';
import type { OtaError } from '../../src/model/errors.ts';
import { explain } from '../../src/diagnose/explain.ts';
import {
  startVirtualDevice,
  type VirtualDevice,
  type VirtualDeviceOptions,
} from '../../src/simulator/index.ts';
import type { Image, Target } from '../../src/model/types.ts';
import { makeEsp8266Image, makeLittlefsImage } from '../support/images.ts';
import { fast, imageOf, password, push, targetOf } from '../support/push.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((thing) => thing.close()));
});
const start = async (options: VirtualDeviceOptions = {}): Promise<VirtualDevice> => {
  const device = await startVirtualDevice({ ...fast, ...options });
  open.push(device);
  return device;
};
const image = imageOf(makeEsp8266Image({ sizeBytes: 60_000 }), { platform: 'esp8266' });
const { signal } = new AbortController();
const tell = (): void => {};
/** As `deploy` does it: the push, and after its failure the diagnosis. */
async function explained(
  device: { readonly address: string; readonly port: number },
  more: { readonly target?: Partial<Target>; readonly image?: Image } = {},
): Promise<OtaError> {
  const pushed = await push(
    device,
    more.image ?? image,
    more.target === undefined ? {} : { target: more.target },
  );
  if (pushed.error === undefined) throw new Error('It was accepted.');
  const target = targetOf(device, more.target);
  const { name } = target;
  return explain(pushed.error, {
    device: { name, host: name, engine: 'espota' },
    target,
    image: more.image ?? image,
    signal,
    tell,
  });
}

const causesOf = ({ details }: OtaError): unknown => details['causes'];

test.each<[string, VirtualDeviceOptions, string]>([
  ['11', { faults: { error15: true } }, 'update-running'],
  ['12', { flash: { ...fast.flash, slotBytes: 10_000 } }, 'image-too-large'],
  ['14', { faults: { refusesToBegin: 'ERROR[8]: Flash config wrong' } }, 'flash-settings'],
  ['16', { faults: { failsMd5: true } }, 'damaged-on-the-way'],
  ['18', { faults: { restartsAtBytes: 20_000 }, timing: { ...fast.timing, rebootMs: 1700 } }, 'power-dip'],
  ['a reset while it counts', { faults: { resetsAtBytes: 20_000 } }, 'flash-fault'],
  ['18, the flash', { faults: { errorAtBytes: 20_000 } }, 'power-dip'],
  ['24', { faults: { error11: true } }, 'first-after-cable'],
])('%s: %j', async (_, options, cause) => {
  expect((causesOf(await explained(await start(options))) as string[])[0]).toBe(cause);
});

test('13: an image that is none for this chip', async () => {
  const noImage = imageOf(new Uint8Array(20_000).fill(0x02));
  expect(causesOf(await explained(await start(), { image: noImage }))).toEqual(['wrong-chip']);
});

test('15: a file system of another size', async () => {
  const device = await start({ flash: { ...fast.flash, filesystemBytes: 32_768 } });
  const filesystem = imageOf(makeLittlefsImage({ sizeBytes: 65_536 }), { kind: 'filesystem' });
  expect(causesOf(await explained(device, { image: filesystem }))).toEqual(['filesystem-size']);
});

test('the conversation is told with times, and without what proves the password', async () => {
  const device = await start({ password: 'secret' });
  const { events, error } = await push(device, image, { target: { credential: password('secret') } });
  expect(error).toBeUndefined();
  const told = events.flatMap((event) => (event.type === 'log' ? [event.message] : []));
  expect(told.map((line) => line.replace(/^\d+\.\d{3} s /, ''))).toEqual([
    expect.stringMatching(/^UDP → 0 \d+ 60016 [0-9a-f]{32}$|^UDP → 0 \d+ \d+ [0-9a-f]{32}$/),
    'UDP ← AUTH (32 digits)',
    'UDP → 200 (cnonce) (response)',
    'UDP ← OK',
    'TCP ← connection from 127.0.0.1',
    'TCP: connection from 127.0.0.1 taken',
    expect.stringMatching(/^TCP → .* bytes of the image, .* in all$/),
    expect.stringMatching(/^TCP ← \d+ counts?, the last "\d+"$/),
    'TCP ← "OK"',
    'TCP: ended by otarc',
  ]);
});
