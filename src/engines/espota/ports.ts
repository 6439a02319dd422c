/** Where devices listen for invitations. Pure. */

import { platforms, type Platform } from '../../model/types.ts';

/** UDP ports on which the cores listen by default (ArduinoOTA of each core). */
export const defaultPorts: Readonly<Record<Platform, number>> = { esp8266: 8266, esp32: 3232, rp2040: 2040 };

export const defaultPort = (platform: Platform | undefined): number | undefined =>
  platform === undefined ? undefined : defaultPorts[platform];

export const usualPlatforms = (port: number): readonly Platform[] =>
  platforms.filter((platform) => defaultPorts[platform] === port);
