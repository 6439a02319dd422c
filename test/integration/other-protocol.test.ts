/** A board that announces itself, and takes uploads by HTTP: nothing of espota is sent to it. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { doctor } from '../support/doctor.ts';
import { failedPush, type FailedPush } from '../support/failed-push.ts';
import { freePort } from '../support/free-port.ts';
import { makeEsp32Image } from '../support/images.ts';
import { startResponder } from '../support/mdns-responder.ts';
import { tempDir } from '../support/temp-dir.ts';

const image = makeEsp32Image({ sizeBytes: 20_000 });
let count = 0;

interface Board {
  readonly name: string;
  readonly datagrams: () => number;
}

/** Whatever comes to its UDP port is counted. */
async function board(servicePort = 65_280, text = ['board=mkrwifi1010', 'tcp_check=no']): Promise<Board> {
  const name = `otarc-http-${process.pid}-${(count += 1)}`;
  const responder = await startResponder({
    name,
    addresses: ['127.0.0.1'],
    servicePort,
    text,
    pointer: 'whole',
  });
  let datagrams = 0;
  const socket = createSocket('udp4', () => (datagrams += 1));
  socket.bind(servicePort, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(async () => {
    socket.close();
    await responder.close();
  });
  return { name, datagrams: () => datagrams };
}

const push = async (
  name: string,
  device: object,
  more: { readonly whenSeenMs?: number } = {},
): Promise<FailedPush> =>
  failedPush({
    dir: await tempDir(),
    config: { devices: { [name]: device } },
    files: { 'firmware.bin': image },
    flags: { interfaces: ['127.0.0.1'] },
    ...more,
  });

const refusal = {
  code: 'PROTOCOL_ERROR',
  causes: ['other-protocol'],
  hint: expect.stringMatching(/65280.*--port/),
  text: expect.stringMatching(/HTTP .*POST \/sketch.*not over espota/),
};

test.each<[string, (name: string) => object, { whenSeenMs: number }?]>([
  ['by its name', () => ({})],
  ['by its name, the platform given', () => ({ platform: 'esp32' })],
  ['by its address and the port that it announces', () => ({ host: '127.0.0.1', port: 65_280 })],
  ['by its name, when it is seen', () => ({}), { whenSeenMs: 10_000 }],
])('a push %s is refused with the name of its protocol, and nothing is sent', async (_, device, more) => {
  const { name, datagrams } = await board();
  expect(await push(name, device(name), more)).toMatchObject(refusal);
  expect(datagrams()).toBe(0);
});

test('a board of that library at another port is known by its board', async () => {
  const port = await freePort();
  const { name, datagrams } = await board(port);
  expect(await push(name, {})).toMatchObject({ ...refusal, hint: expect.any(String) });
  expect(datagrams()).toBe(0);
});

test('doctor --active says so, and sends nothing', async () => {
  const { name, datagrams } = await board();
  const dir = await tempDir();
  await writeFile(join(dir, '.otarc'), JSON.stringify({ devices: { [name]: {} } }));
  const { legs, exitCode } = await doctor(dir, { active: true });
  expect(exitCode).toBe(1);
  expect(legs.at(-1)).toMatchObject({ status: 'failed' });
  expect(JSON.stringify(legs.at(-1))).toContain('POST /sketch');
  expect(datagrams()).toBe(0);
});

test('a port that is given counts more than what is announced at another one', async () => {
  const { name, datagrams } = await board();
  const port = await freePort();
  const failed = await push(name, { port, platform: 'esp32' });
  expect(failed).toMatchObject({ code: 'DEVICE_SILENT' });
  expect(failed.causes[0]).toBe('other-protocol');
  expect(datagrams()).toBe(0);
}, 30_000);
