import { expect, it } from 'vitest';
import { choosePort } from '../../../src/network/port.ts';

it('goes by the configuration, then the announcement, then the platform', () => {
  expect(choosePort({ configured: 1, announced: 2, platform: 'esp32' })).toBe(1);
  expect(choosePort({ announced: 8266, platform: 'esp32' })).toBe(8266);
  expect(choosePort({ platform: 'esp32' })).toBe(3232);
  expect(choosePort({ platform: 'rp2040' })).toBe(2040);
  expect(choosePort({})).toBeUndefined();
});
