import { expect, it } from 'vitest';
import { platformOfBoard } from '../../../src/model/board.ts';

it.each([
  ['ESP8266_WEMOS_D1MINI', 'esp8266'],
  ['"ESP8266_NODEMCU"', 'esp8266'],
  ['PLATFORMIO_D1_MINI', 'esp8266'],
  ['PLATFORMIO_NODEMCUV2', 'esp8266'],
  ['d1_mini', 'esp8266'],
  ['ESP8266', 'esp8266'],
  ['esp32', 'esp32'],
  ['esp32s3', 'esp32'],
  ['ESP32_DEV', 'esp32'],
  ['esp32-c3-devkitm-1', 'esp32'],
  ['d1_mini32', 'esp32'],
  ['nodemcu-32s', 'esp32'],
  ['rpipicow', 'rp2040'],
  ['RASPBERRY_PI_PICO_W', 'rp2040'],
])('%s is an %s', (board, platform) => {
  expect(platformOfBoard(board)).toBe(platform);
});

it.each(['', 'generic', 'ARDUINO_AVR_PRO', 'NodeMCU ESP8266', 'nodemcu-32', 'my_esp32', 'constructor'])(
  'says nothing about %j',
  (board) => {
    expect(platformOfBoard(board)).toBeUndefined();
  },
);
