/** `otarc/simulator`: a device without hardware, for tests and for trying out. */

export { startVirtualDevice } from './device.ts';
export type {
  Update,
  UpdateResult,
  VirtualDeviceEvent,
  VirtualDeviceEventBody,
  VirtualDeviceEventOf,
  WaitOptions,
} from './events.ts';
export type { DeviceState } from './exchange.ts';
export { faultKinds, parseFaults } from './faults.ts';
export type { Faults } from './faults.ts';
export { flashModes } from './flash.ts';
export type { FlashMode } from './flash.ts';
export { models } from './models.ts';
export type { Flash, Link, Model, Timing } from './models.ts';
export type { BootedSketch } from './running.ts';
export type { LogOptions } from './sketch-ports.ts';
export type { Firmware } from './storage.ts';
export type { Counters, VirtualDevice, VirtualDeviceOptions } from './virtual-device.ts';
export type { Sysinfo, WebOptions } from './web.ts';
