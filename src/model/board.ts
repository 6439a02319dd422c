import type { Platform } from './types.ts';

/**
 * The core's family behind the `board` of an announcement, where the name leaves no doubt.
 *
 * The ESP8266 and RP2040 cores announce ARDUINO_BOARD (`ESP8266_WEMOS_D1MINI`, from PlatformIO `PLATFORMIO_D1_MINI`;
 * some versions with the quotes of the macro), the ESP32 core ARDUINO_VARIANT (`esp32`, `d1_mini32`). Sketches may
 * announce what they like. The wrong platform would let the wrong image through, so in doubt: undefined.
 */
export function platformOfBoard(board: string): Platform | undefined {
  const name = board
    .toLowerCase()
    .replaceAll('"', '')
    .replaceAll(/[\s-]+/g, '_')
    .replace(/^platformio_/, '');
  if (/^esp32(?:$|[_a-z])/.test(name) || esp32Boards.has(name)) return 'esp32';
  if (/^esp8266(?:$|_)/.test(name) || esp8266Boards.has(name)) return 'esp8266';
  if (/^(?:rpi_?pico|raspberry_pi_pico|generic_rp2040$)/.test(name)) return 'rp2040';
  return undefined;
}

const esp32Boards = new Set(['d1_mini32', 'lolin32', 'nodemcu_32s', 'wemos_d1_mini32']);

const esp8266Boards = new Set([
  'd1',
  'd1_mini',
  'd1_mini_lite',
  'd1_mini_pro',
  'd1_wroom_02',
  'esp01',
  'esp01_1m',
  'esp07',
  'esp07s',
  'esp12e',
  'nodemcu',
  'nodemcuv2',
]);
