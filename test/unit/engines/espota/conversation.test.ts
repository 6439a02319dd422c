import { expect, test } from 'vitest';
import { tellConversation } from '../../../../src/engines/espota/conversation.ts';
import { watchForSleep } from '../../../../src/engines/espota/sleep.ts';
import type { Connection, ExchangeInput } from '../../../../src/engines/espota/transport.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const from = { address: '192.0.2.7', port: 8266 };
const nonce = 'ab'.repeat(32);

function conversation() {
  const told: string[] = [];
  const clock = { nowMs: 5000 };
  const { heard, over } = tellConversation({
    now: () => clock.nowMs,
    tell: (event) => void (event.type === 'log' && told.push(`${event.level} ${event.message}`)),
  });
  const sent: string[] = [];
  const transport = over({
    local: { address: '192.0.2.2', port: 48_266 },
    send: (text) => void sent.push(text),
    close: async () => {},
  });
  return { told, clock, heard, transport, sent };
}

test('time starts with the first datagram; what proves the password is masked, on the wire it is not', () => {
  const { told, clock, heard, transport, sent } = conversation();
  transport.send('0 48266 60000 d41d8cd98f00b204e9800998ecf8427e\n', 1);
  clock.nowMs += 12.4;
  heard({ type: 'datagram', bytes: bytes(`AUTH ${nonce}`), from, invitation: 1 });
  transport.send(`200 ${nonce} ${nonce}\n`, 1);
  heard({ type: 'datagram', bytes: bytes('Authentication Failed'), from, invitation: 1 });
  heard({ type: 'undeliverable', code: 'ECONNREFUSED' });
  expect(told).toEqual([
    'debug 0.000 s UDP → 0 48266 60000 d41d8cd98f00b204e9800998ecf8427e',
    'debug 0.012 s UDP ← AUTH (64 digits)',
    'debug 0.012 s UDP → 200 (cnonce) (response)',
    'debug 0.012 s UDP ← Authentication Failed',
    'debug 0.012 s UDP ← undeliverable (ECONNREFUSED)',
  ]);
  expect(sent[1]).toBe(`200 ${nonce} ${nonce}\n`);
});

test('counts and writes are told together once a second, and before whatever else comes', () => {
  const { told, clock, heard } = conversation();
  const taken = { written: 0, ends: 0 };
  const raw: Connection = {
    address: '192.0.2.7',
    accept: () => {},
    waitingBytes: () => 0,
    write: (part) => void (taken.written += part.length),
    end: () => void (taken.ends += 1),
    reset: () => {},
  };
  const input = heard({ type: 'connection', connection: raw });
  const connection = connectionOf(input);
  connection.accept();
  for (let index = 0; index < 5; index += 1) {
    clock.nowMs += 400;
    connection.write(new Uint8Array(1000));
    heard({ type: 'data', bytes: bytes('1460') });
  }
  heard({ type: 'data', bytes: bytes('392OK') });
  connection.end();
  expect(told).toEqual([
    'debug 0.000 s TCP ← connection from 192.0.2.7',
    'debug 0.000 s TCP: connection from 192.0.2.7 taken',
    'debug 1.200 s TCP → 3,000 bytes of the image, 3,000 in all',
    'debug 1.200 s TCP ← 2 counts, the last "1460"',
    'debug 2.000 s TCP → 2,000 bytes of the image, 5,000 in all',
    'debug 2.000 s TCP ← 3 counts, the last "1460"',
    'debug 2.000 s TCP ← "392OK"',
    'debug 2.000 s TCP: ended by otarc',
  ]);
  expect(taken).toEqual({ written: 5000, ends: 1 });
});

test('what a device sends moves no cursor', () => {
  const { told, heard } = conversation();
  heard({ type: 'datagram', bytes: bytes('\u001b[2J\nhello'), from, invitation: 1 });
  heard({ type: 'closed', code: 'ECONNRESET' });
  expect(told).toEqual([
    String.raw`debug 0.000 s UDP ← \u001b[2J hello`,
    'debug 0.000 s TCP ← closed (ECONNRESET)',
  ]);
});

test('nothing is told once the sockets are closing', async () => {
  const { told, heard, transport } = conversation();
  heard({ type: 'data', bytes: bytes('1460') });
  await transport.close();
  heard({ type: 'closed' });
  transport.send('255\n', 1);
  expect(told).toEqual(['debug 0.000 s TCP ← 1 count, the last "1460"']);
});

test('sleep is a clock that went on while nothing ran', () => {
  const clock = { nowMs: 0 };
  const observed: { suspendedMs?: number } = {};
  const sleep = watchForSleep(observed, () => clock.nowMs);
  clock.nowMs += 3500;
  sleep.look();
  expect(observed).toEqual({});
  clock.nowMs += 755_000;
  sleep.look();
  expect(observed).toEqual({ suspendedMs: 754_000 });
  clock.nowMs += 10_000;
  sleep.look();
  sleep.stop();
  expect(observed).toEqual({ suspendedMs: 754_000 });
});

function connectionOf(input: ExchangeInput): Connection {
  if (input.type !== 'connection') throw new Error('It is none.');
  return input.connection;
}
