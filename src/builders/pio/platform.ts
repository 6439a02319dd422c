import type { Platform } from '../../model/types.ts';

/**
 * The family that an environment builds for. The `platform` option names it in most spellings (`espressif8266@^4`, a Git or
 * archive address of a fork); where it does not, the board's chip does.
 */
export function platformOf(environment: {
  readonly platform?: string | undefined;
  readonly mcu?: string | undefined;
}): Platform | undefined {
  const { platform = '', mcu = '' } = environment;
  if (/espressif8266/i.test(platform)) return 'esp8266';
  if (/espressif32/i.test(platform)) return 'esp32';
  if (/raspberrypi/i.test(platform)) return 'rp2040';
  if (/^esp8266/i.test(mcu)) return 'esp8266';
  if (/^esp32/i.test(mcu)) return 'esp32';
  if (/^rp2[03]/i.test(mcu)) return 'rp2040';
  return undefined;
}
