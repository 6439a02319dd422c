import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNetworkName } from '../../../src/builders/network-name.ts';

describe('an upload port on the network', () => {
  it.each([
    '192.0.2.7',
    '192.0.2.7:8266',
    '::1',
    '2001:db8::7',
    '[2001:db8::7]:8266',
    'livingroom.local',
    'Livingroom.local:3232',
    'büro.local',
    'esp.example.org',
    'my-esp.lan',
    'usb-lamp.local',
    'com4you.local',
  ])('is %s', (text) => {
    expect(isNetworkName(text, false)).toBe(true);
    expect(isNetworkName(text, true)).toBe(true);
  });

  it.each(['livingroom', 'living_room', 'livingroom:8266'])('is %s where the protocol says so', (text) => {
    expect(isNetworkName(text, true)).toBe(true);
    expect(isNetworkName(text, false)).toBe(false);
  });

  it.each([
    '',
    'COM4',
    'com12',
    'COM[34]',
    '\\\\.\\COM10',
    '/dev/ttyUSB0',
    '/dev/tty.usbserial-110',
    '/dev/cu.SLAB_USBtoUART*',
    'ttyUSB0',
    'ttyACM1',
    'tty.usbserial-110',
    'cu.usbmodem1101',
    'cuaU0',
    'rfcomm0',
    'tcp:192.0.2.7:23',
    'tcp://192.0.2.7:23',
    'socket://esp.local:23',
    'rfc2217://esp.local:4000',
    'hwgrep://0403:6001',
    'loop://',
    '0403:6001',
    '1a86:7523',
    'VID:PID=0403:6001',
    'usb:1-1',
    '$UPLOAD_TO',
    '${my.port}',
    '192.0.2',
    '192.0.2.300',
    '12345',
    'my esp.local',
    'x:y.local',
  ])('is not %j', (text) => {
    expect(isNetworkName(text, false)).toBe(false);
    expect(isNetworkName(text, true)).toBe(false);
  });

  it('is told from any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.boolean(), (text, bareWord) => {
        if (isNetworkName(text, bareWord)) expect(text).not.toMatch(/[\s/\\*$]/);
      }),
    );
  });
});
