import { expect, test } from 'vitest';
import { httpOta, otherProtocolOf } from '../../../src/engines/other-protocol.ts';

test.each<[number, string | undefined, string | undefined]>([
  [65_280, undefined, httpOta],
  [65_280, 'mkrwifi1010', httpOta],
  [65_280, 'UNOR4WIFI', httpOta],
  [65_280, 'something_new', httpOta],
  [8266, 'ARDUINO_NANO_33_IOT', httpOta],
  [8266, 'mkr1000', httpOta],
  [8266, undefined, undefined],
  [8266, 'ESP8266_WEMOS_D1MINI', undefined],
  [3232, 'esp32', undefined],
  [2040, 'RASPBERRY_PI_PICO_W', undefined],
  // A sketch may choose any port for its espota updater.
  [65_280, 'ESP8266_WEMOS_D1MINI', undefined],
  [65_280, 'esp32-s3-devkitc-1', undefined],
])('announced at port %i with board %s: %s', (port, board, protocol) => {
  expect(otherProtocolOf({ port, board })).toBe(protocol);
});
