import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { diagnose, diagnosed, heightOf, hintOf } from '../../../src/diagnose/diagnose.ts';
import { causesOf } from '../../../src/engines/espota/causes/index.ts';
import type { Cause } from '../../../src/model/finding.ts';
import type { HostFacts } from '../../../src/model/host-facts.ts';
import type { Observations } from '../../../src/model/observations.ts';
import { knownOf } from '../../../src/diagnose/known.ts';
import { OtaError, type ErrorCode } from '../../../src/model/errors.ts';
import { Secret } from '../../../src/model/secret.ts';
import type { Target } from '../../../src/model/types.ts';
import { diagnosedFully } from '../../support/diagnosed.ts';

const allFindings = (seen: Observations) => diagnose(seen, causesOf(seen));

const lan: HostFacts = {
  system: 'linux',
  interfaces: [
    { name: 'lo', address: '127.0.0.1', prefixBits: 8, kind: 'loopback' },
    { name: 'eth0', address: '192.0.2.2', prefixBits: 24, kind: 'network' },
  ],
  firewalls: [],
};

interface Row {
  readonly number: string;
  readonly code?: ErrorCode;
  readonly seen: Partial<Observations>;
  readonly cause: Cause;
  readonly hint: string;
  /** The test that brings it about for real, below `test/`: `file: title`. */
  readonly by?: string;
}

const missing = { hostAddress: '192.0.2.2', hostPort: 48_266, datagramsReceived: 1 };
const nothingBack = { invitations: 9, datagramsReceived: 0, port: 8266 };
const portClosed = { ...nothingBack, undeliverable: ['ECONNREFUSED'] };

/** Numbers as in the list of causes that this table must hold. */
const table: readonly Row[] = [
  {
    number: '1 firewall that is known',
    by: 'unit/diagnose/host/facts: nftables',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, host: { ...lan, firewalls: [{ tool: 'ufw', state: 'filters' }] } },
    cause: 'firewall',
    hint: [
      'Most likely ufw of this computer is in the way: let the device in (`hostPort: 48266` in .otarc keeps the port the same):',
      'sudo ufw allow proto tcp from 192.0.2.7 to any port 48266',
    ].join('\n'),
  },
  {
    number: '1 firewall that is supposed',
    by: 'integration/explain-network: 1: what the device opens is dropped on this host',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, platform: 'esp8266' },
    cause: 'firewall',
    hint: [
      'Most likely a firewall of this computer is in the way: let TCP from 192.0.2.7 to port 48266 in; `hostPort: 48266` in .otarc keeps the port the same.',
      'Or in WSL 2, a container or a VPN the device cannot reach 192.0.2.2 at all: run otarc on the computer itself; `otarc doctor` shows what is between.',
    ].join('\n'),
  },
  {
    number: '1 nftables',
    by: 'integration/explain-network: 1: %s drops what the device opens, and its cure lets it in',
    code: 'CONNECT_BACK_MISSING',
    seen: {
      ...missing,
      host: { ...lan, firewalls: [{ tool: 'nftables', state: 'filters', chain: 'inet mine in' }] },
    },
    cause: 'firewall',
    hint: [
      'Most likely nftables of this computer is in the way: let the device in (`hostPort: 48266` in .otarc keeps the port the same):',
      'sudo nft insert rule inet mine in ip saddr 192.0.2.7 tcp dport 48266 accept',
    ].join('\n'),
  },
  {
    number: '1 firewall that only root may look at',
    by: 'unit/diagnose/host/facts: nftables, as anybody',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, host: { ...lan, firewalls: [{ tool: 'nftables', state: 'unknown' }] } },
    cause: 'firewall',
    hint: 'Perhaps a firewall of this computer is in the way: look with `sudo nft list ruleset`, and let TCP from 192.0.2.7 to port 48266 in; `hostPort: 48266` in .otarc keeps the port the same.',
  },
  {
    number: '2 another interface',
    by: 'integration/explain-network: 2: the device is told an address that it does not reach, and another would do',
    code: 'CONNECT_BACK_MISSING',
    seen: {
      ...missing,
      hostAddress: '10.8.0.2',
      host: {
        ...lan,
        interfaces: [
          ...lan.interfaces,
          { name: 'tun0', address: '10.8.0.2', prefixBits: 24, kind: 'tunnel' },
        ],
      },
    },
    cause: 'other-interface',
    hint: [
      'The device was told to connect to 10.8.0.2 (tun0), and is in the network of eth0: say --host-address 192.0.2.2, or `hostAddress:` of the device in .otarc.',
      'Or the way to the device goes through the VPN tun0, where it may not find back: switch the VPN off, or let it leave the local network alone.',
    ].join('\n'),
  },
  {
    number: '3 WSL 2',
    by: 'unit/diagnose/host/facts: WSL 2',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, hostAddress: '172.20.1.5', host: { ...lan, inside: 'wsl2', interfaces: [] } },
    cause: 'address-translation',
    hint: 'WSL 2 has a network of its own, and the device cannot reach 172.20.1.5: set `networkingMode=mirrored` under [wsl2] in .wslconfig and restart WSL, or run otarc in Windows itself.',
  },
  {
    number: '3 container',
    by: 'unit/diagnose/host/facts: a container',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, hostAddress: '172.17.0.2', host: { ...lan, inside: 'container', interfaces: [] } },
    cause: 'address-translation',
    hint: 'This container has a network of its own, and the device cannot reach 172.17.0.2: start it with `--network host`; or publish a port (`-p 48266:48266`) and set `hostPort: 48266` and `acceptFrom: any` for this device in .otarc.',
  },
  {
    number: '3 VPN',
    by: 'unit/doctor/legs: a VPN',
    code: 'CONNECT_BACK_MISSING',
    seen: {
      ...missing,
      address: '198.51.100.7',
      hostAddress: '10.8.0.2',
      host: { ...lan, interfaces: [{ name: 'wg0', address: '10.8.0.2', prefixBits: 24, kind: 'tunnel' }] },
    },
    cause: 'address-translation',
    hint: 'The way to the device goes through the VPN wg0, where it may not find back: switch the VPN off, or let it leave the local network alone.',
  },
  {
    number: '3 port proxy',
    by: 'integration/causes: 3: through a port proxy, and its cure',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, foreignConnections: ['172.17.0.1'] },
    cause: 'address-translation',
    hint: 'A connection came from 172.17.0.1 instead, as through a port proxy or NAT: if that is one of yours, set `acceptFrom: any` for this device in .otarc.',
  },
  {
    number: '4 name',
    by: 'integration/explain-network: 4: nobody has that name',
    code: 'NAME_NOT_RESOLVED',
    seen: {},
    cause: 'name-unknown',
    hint: 'Check that the device is powered and in this network (mDNS reaches neither another subnet nor across a guest Wi-Fi), or give its address: `host: <address>` under its name in .otarc.',
  },
  {
    number: '4 name, in WSL 2',
    code: 'NAME_NOT_RESOLVED',
    seen: { host: { ...lan, inside: 'wsl2' } },
    cause: 'name-unknown',
    hint: 'Check that the device is powered and in this network (mDNS reaches neither another subnet nor across a guest Wi-Fi), or give its address: `host: <address>` under its name in .otarc. The network of WSL 2 or of a container passes no mDNS.',
  },
  {
    number: '5 old address, as it announces',
    by: 'integration/explain-network: 5: it has another address now, which it announces',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, announced: { address: '192.0.2.9', port: 8266 } },
    cause: 'old-address',
    hint: 'The device announces itself at 192.0.2.9 now, not at 192.0.2.7: correct `host:` in .otarc, or leave it out so that the device is looked for by its name.',
  },
  {
    number: '5 another device has its address',
    by: 'integration/explain-network: 5: another device has its address now',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, announced: { address: '192.0.2.7', port: 8266, foreignName: 'esp-1' } },
    cause: 'old-address',
    hint: [
      'Most likely 192.0.2.7 is now esp-1, as it calls itself, and not livingroom: look for the device with `otarc devices`, and correct `host:` in .otarc.',
      'Or its sketch blocks its loop() or is stuck, as it announces itself and answers nothing: restart it and push at once, then look for delay() and waits in its loop().',
    ].join('\n'),
  },
  {
    number: '5 old address, perhaps',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, via: 'os' },
    cause: 'out-of-reach',
    hint: [
      'Most likely the device is off, asleep, or out of reach: check its power, and that it is in this network (a guest Wi-Fi keeps its guests apart).',
      "Or the system's resolver still gives an address that it had before (192.0.2.7): look up its address in the router, and give that as `host:` in .otarc.",
      'Or its sketch has no OTA, or blocks its loop(): flash by cable one that calls ArduinoOTA.begin() in setup() and .handle() in loop().',
    ].join('\n'),
  },
  {
    number: '5 old address, as discovery has seen',
    by: 'unit/network/not-found: names both where the address of the system is that of another device',
    code: 'NAME_NOT_RESOLVED',
    seen: { isElsewhere: true, ownHint: 'Correct the address.', host: { ...lan, inside: 'container' } },
    cause: 'old-address',
    hint: 'Correct the address.',
  },
  {
    number: '6 out of reach',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, announced: 'nothing' },
    cause: 'out-of-reach',
    hint: [
      'Most likely the device is off, asleep, or out of reach: check its power, and that it is in this network (a guest Wi-Fi keeps its guests apart).',
      'Or its sketch has no OTA, or blocks its loop(): flash by cable one that calls ArduinoOTA.begin() in setup() and .handle() in loop().',
    ].join('\n'),
  },
  {
    number: '6 nobody there',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, undeliverable: ['EHOSTUNREACH'] },
    cause: 'out-of-reach',
    hint: 'Nobody has the address 192.0.2.7 in a network of this computer: check that the device is powered and that this computer is in its network.',
  },
  {
    number: '6 no network any more',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, undeliverable: ['EADDRNOTAVAIL'] },
    cause: 'out-of-reach',
    hint: 'This computer is in no network that leads to 192.0.2.7: connect it to the network of the device, or check the address.',
  },
  {
    number: '6 nobody answers ARP',
    by: 'integration/explain-network: 6: nobody has that address',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, neighbour: 'absent' },
    cause: 'out-of-reach',
    hint: 'Nobody has the address 192.0.2.7 in a network of this computer: check that the device is powered and that this computer is in its network.',
  },
  {
    number: '8 there, but silent',
    by: 'integration/explain-network: 8: it is there, and answers nothing',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, neighbour: 'present', announced: 'nothing' },
    cause: 'sketch-without-ota',
    hint: [
      'Most likely the device is there, but its sketch has no OTA, or blocks its loop(): flash by cable one that calls ArduinoOTA.begin() in setup() and .handle() in loop().',
      'Or somebody else is updating it, and it answers nothing meanwhile: wait a minute, then push again.',
    ].join('\n'),
  },
  {
    number: '6 no route',
    by: 'integration/explain-network: 6: this computer is in no network',
    code: 'DEVICE_SILENT',
    seen: { systemCode: 'ENETUNREACH' },
    cause: 'out-of-reach',
    hint: 'This computer is in no network that leads to 192.0.2.7: connect it to the network of the device, or check the address.',
  },
  {
    number: '7 port of another core',
    by: 'integration/explain-network: 7: nothing listens on that port',
    code: 'DEVICE_SILENT',
    seen: { ...portClosed, platform: 'rp2040' },
    cause: 'wrong-port',
    hint: '8266 is the usual port of an ESP8266, and that of an RP2040 is 2040: correct `port:` in .otarc or --port to 2040, or leave it out.',
  },
  {
    number: '6 IPv6, however it is spelled',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, address: 'FE80:0::7%eth0', announced: { address: 'fe80::7%eth0', port: 8266 } },
    cause: 'sketch-without-ota',
    hint: [
      'Most likely its sketch blocks its loop() or is stuck, as it announces itself and answers nothing: restart it and push at once, then look for delay() and waits in its loop().',
      'Or somebody else is updating it, and it answers nothing meanwhile: wait a minute, then push again.',
    ].join('\n'),
  },
  {
    number: '7 another port is announced',
    by: 'integration/causes: 7: it announces another port',
    code: 'DEVICE_SILENT',
    seen: { ...portClosed, announced: { address: '192.0.2.7', port: 3232 } },
    cause: 'wrong-port',
    hint: 'The device announces port 3232, not 8266: correct `port:` in .otarc or --port to 3232, or leave it out.',
  },
  {
    number: '8 announced but silent',
    by: 'integration/causes: 8: it announces itself and answers nothing',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, announced: { address: '192.0.2.7', port: 8266 } },
    cause: 'sketch-without-ota',
    hint: [
      'Most likely its sketch blocks its loop() or is stuck, as it announces itself and answers nothing: restart it and push at once, then look for delay() and waits in its loop().',
      'Or somebody else is updating it, and it answers nothing meanwhile: wait a minute, then push again.',
    ].join('\n'),
  },
  {
    number: '8 nothing listens',
    by: 'integration/causes: 7: nothing listens on the port of another chip',
    code: 'DEVICE_SILENT',
    seen: { ...portClosed, platform: 'esp8266' },
    cause: 'wrong-port',
    hint: [
      'Most likely it listens on another port than 8266: check the port (ESP8266 8266, ESP32 3232, RP2040 2040, HomeDing 8266 on every chip).',
      'Or the sketch that runs on it has no OTA, or has not come to it yet: flash by cable one that calls ArduinoOTA.begin() in setup() and .handle() in loop().',
    ].join('\n'),
  },
  {
    number: '9 password needed',
    by: 'integration/causes: 9: a password is asked for',
    code: 'PASSWORD_REQUIRED',
    seen: { credential: 'none' },
    cause: 'password-required',
    hint: 'Set OTARC_PASSWORD_LIVINGROOM, or `password:` of this device in .otarc, or use --password-file.',
  },
  {
    number: '9 password wrong',
    by: 'integration/causes: 9: a password is asked for',
    code: 'PASSWORD_WRONG',
    seen: { credential: 'password', nonceDigits: 32 },
    cause: 'password-wrong',
    hint: 'Compare it with ArduinoOTA.setPassword(…) of the sketch that runs on the device now, not of the new one.',
  },
  {
    number: '9 hash in place of the password',
    by: 'unit/diagnose/causes: a password looks like a hash',
    code: 'PASSWORD_WRONG',
    seen: { credential: 'password-like-hash', nonceDigits: 32 },
    cause: 'hash-as-password',
    hint: 'Most likely the configured password looks like a hash (32 or 64 hexadecimal digits), and was taken for the password itself: if it is a hash, write `passwordHash:` in place of `password:` for this device in .otarc. Else compare it with ArduinoOTA.setPassword(…) of the sketch that runs on the device now.',
  },
  {
    number: '9 password unneeded',
    by: 'integration/doctor: --active, an open device: no password, although one is configured',
    seen: { credential: 'password', asksPassword: false },
    cause: 'password-unneeded',
    hint: 'The device asks for no password, although one is configured: call ArduinoOTA.setPassword(…) in its sketch, or everybody in its network can update it.',
  },
  {
    number: '10 new core, old hash',
    by: 'integration/causes: 10: a hash of the other kind',
    code: 'PASSWORD_WRONG',
    seen: { credential: 'md5-hash', nonceDigits: 64 },
    cause: 'password-wrong',
    hint: [
      'Compare `passwordHash:` with setPasswordHash(…) of the sketch that runs on the device now, not of the new one. If that calls setPassword(…), configure `password:`.',
      'Or the device keeps a SHA-256 hash (ESP32 core from 3.3.1 on), and only an MD5 hash is configured: configure the password itself, or the 64 hex digits of its SHA-256.',
    ].join('\n'),
  },
  {
    number: '10 old core, new hash',
    by: 'integration/causes: 10: a hash of the other kind',
    code: 'PASSWORD_WRONG',
    seen: { credential: 'sha256-hash', nonceDigits: 32 },
    cause: 'other-hash',
    hint: 'Configure the password itself, or the 32 hex digits of its MD5 as `passwordHash:`.',
  },
  {
    number: '11 update running',
    by: 'integration/causes: 11: another update is running',
    code: 'DEVICE_BUSY',
    seen: { answer: 'ERROR[15]: Update already running' },
    cause: 'update-running',
    hint: [
      'Wait until the running update has ended, or power-cycle the device.',
      'Or somebody pushes to it from another computer, or from an IDE: let that end first.',
    ].join('\n'),
  },
  {
    number: '11 update running, from elsewhere',
    by: 'integration/causes: 11: in the midst of an update from another computer it answers nothing',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, via: 'mdns', announced: 'nothing' },
    cause: 'out-of-reach',
    hint: [
      'Most likely the device is off, asleep, or out of reach: check its power, and that it is in this network (a guest Wi-Fi keeps its guests apart).',
      'Or its sketch has no OTA, or blocks its loop(): flash by cable one that calls ArduinoOTA.begin() in setup() and .handle() in loop().',
      'Or somebody else is updating it, and it answers nothing meanwhile: wait a minute, then push again.',
    ].join('\n'),
  },
  {
    number: '12 too large, ESP8266',
    by: 'integration/causes: 12: too large for the slot of an ESP8266',
    code: 'DEVICE_REFUSED',
    seen: { answer: 'ERROR[4]: Not Enough Space' },
    cause: 'image-too-large',
    hint: 'The image does not fit beside the running sketch: make it smaller, or flash a layout with more room by cable once.',
  },
  {
    number: '12 too large, ESP32',
    by: 'integration/causes: 12: too large for the slot of an ESP32, which says OK all the same',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, platform: 'esp32', imageKind: 'firmware', imageBytes: 1_500_000, host: lan },
    cause: 'image-too-large',
    hint: [
      'Most likely the image (1,500,000 bytes) does not fit the slot (an ESP32 then says OK and never connects): make it smaller, or flash a layout with more room by cable once.',
      'Or a firewall of this computer is in the way: let TCP from 192.0.2.7 to port 48266 in; `hostPort: 48266` in .otarc keeps the port the same.',
    ].join('\n'),
  },
  {
    number: '12 not too large, by the table',
    by: 'integration/causes: 12: less likely where the table beside the image shows that it fits',
    code: 'CONNECT_BACK_MISSING',
    seen: {
      ...missing,
      platform: 'esp32',
      imageKind: 'firmware',
      imageBytes: 1_500_000,
      slotBytes: 2_000_000,
      host: lan,
    },
    cause: 'firewall',
    hint: [
      'Perhaps a firewall of this computer is in the way: let TCP from 192.0.2.7 to port 48266 in; `hostPort: 48266` in .otarc keeps the port the same.',
      'Or the device has another partition table than the build, in whose slot of 2,000,000 the image (1,500,000 bytes) fits: if the partition scheme was changed, flash by cable once.',
    ].join('\n'),
  },
  {
    number: '12 too large, by the table',
    by: 'integration/causes: 12: most likely where the table beside the image shows that it does not fit',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, platform: 'esp32', imageKind: 'firmware', imageBytes: 500_000, slotBytes: 400_000 },
    cause: 'image-too-large',
    hint: 'The image (500,000 bytes) does not fit the slot of 400,000 that the partition table shows (an ESP32 then says OK and never connects): make it smaller, or flash a layout with more room by cable once.',
  },
  {
    number: '12 no slot at all, by the table',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, platform: 'esp32', imageKind: 'firmware', imageBytes: 500_000, slotBytes: 0 },
    cause: 'image-too-large',
    hint: 'The partition table shows no OTA slot for the image (500,000 bytes) (an ESP32 then says OK and never connects): make it smaller, or flash a layout with more room by cable once.',
  },
  {
    number: '15 a file system that fits, by the table',
    code: 'CONNECT_BACK_MISSING',
    seen: {
      ...missing,
      platform: 'esp32',
      imageKind: 'filesystem',
      imageBytes: 400_000,
      slotBytes: 400_000,
      host: lan,
    },
    cause: 'firewall',
    hint: [
      'Perhaps a firewall of this computer is in the way: let TCP from 192.0.2.7 to port 48266 in; `hostPort: 48266` in .otarc keeps the port the same.',
      'Or the device has another partition table than the build, in whose partition of 400,000 the file-system image (400,000 bytes) fits: if the partition scheme was changed, flash by cable once.',
    ].join('\n'),
  },
  {
    number: '12 nothing of a size that is not known',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, platform: 'esp32', host: lan },
    cause: 'firewall',
    hint: 'Perhaps a firewall of this computer is in the way: let TCP from 192.0.2.7 to port 48266 in; `hostPort: 48266` in .otarc keeps the port the same.',
  },
  {
    number: '12 too large, by the table',
    code: 'IMAGE_TOO_LARGE',
    seen: { ownHint: 'Make the image smaller.' },
    cause: 'image-too-large',
    hint: 'Make the image smaller.',
  },
  {
    number: '13 wrong chip, before',
    by: 'integration/causes: 13: for another chip, by its platform',
    code: 'IMAGE_WRONG_CHIP',
    seen: { ownHint: 'Build for the chip that the device has.' },
    cause: 'wrong-chip',
    hint: 'Build for the chip that the device has.',
  },
  {
    number: '13 wrong chip, ESP8266',
    by: 'integration/explain: 13: an image that is none for this chip',
    code: 'IMAGE_REJECTED',
    seen: { answer: 'ERROR[10]: Magic byte is not 0xE9' },
    cause: 'wrong-chip',
    hint: 'That is no image for this chip: push the application image (firmware.bin) that was built for it.',
  },
  {
    number: '13 wrong chip, ESP32',
    by: 'integration/causes: 13: an ESP32 that cannot use it resets, and its words get lost',
    code: 'CONNECTION_LOST',
    seen: { platform: 'esp32', imageKind: 'firmware', systemCode: 'ECONNRESET', lostBy: 'closing' },
    cause: 'wrong-chip',
    hint: [
      'Most likely the device gave up at the start of the image: it is not for this chip, or the flash cannot be written: check the chip of the board that the project builds for.',
      'Or its power dips while the flash is written: use a stronger supply or a shorter cable, then push again.',
    ].join('\n'),
  },
  {
    number: '14 flash size',
    by: 'integration/causes: 14: for a larger flash',
    code: 'IMAGE_REJECTED',
    seen: { imagePlatform: 'esp8266', answer: 'ERROR[9]: new Flash config wrong real: 1048576' },
    cause: 'flash-settings',
    hint: 'The image was built for a larger flash than the device has: choose the right board or flash size, and build again.',
  },
  {
    number: '14 flash settings',
    code: 'DEVICE_REFUSED',
    seen: { answer: 'ERROR[8]: Flash config wrong' },
    cause: 'flash-settings',
    hint: 'The flash settings on the device are wrong for its chip: flash once by cable with the right flash size.',
  },
  {
    number: '15 file system',
    by: 'integration/explain: 15: a file system of another size',
    code: 'DEVICE_REFUSED',
    seen: { answer: 'ERROR[4]: Not Enough Space', imageKind: 'filesystem' },
    cause: 'filesystem-size',
    hint: 'The size does not fit the partition: build the file system for the flash layout that the device has.',
  },
  {
    number: '15 file system, ESP32',
    by: 'integration/causes: 15: a file system of another size, ESP32',
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, platform: 'esp32', imageKind: 'filesystem', imageBytes: 2_000_000, host: lan },
    cause: 'filesystem-size',
    hint: [
      'Most likely the file-system image (2,000,000 bytes) does not fit its partition (an ESP32 then says OK and never connects): build the file system for the flash layout that the device has.',
      'Or a firewall of this computer is in the way: let TCP from 192.0.2.7 to port 48266 in; `hostPort: 48266` in .otarc keeps the port the same.',
    ].join('\n'),
  },
  {
    number: '16 MD5',
    by: 'integration/causes: 16: damaged on the way',
    code: 'IMAGE_REJECTED',
    seen: { imagePlatform: 'esp8266', answer: 'ERROR[7]: MD5 Failed: expected:1, calculated:2' },
    cause: 'damaged-on-the-way',
    hint: 'The image was damaged on its way: push again; if it happens again, check the Wi-Fi signal and the power supply.',
  },
  {
    number: '16 MD5, ESP32',
    code: 'IMAGE_REJECTED',
    seen: { answer: 'MD5 Check Failed' },
    cause: 'damaged-on-the-way',
    hint: 'The image was damaged on its way: push again; if it happens again, check the Wi-Fi signal and the power supply.',
  },
  {
    number: '17 weak Wi-Fi',
    by: 'integration/causes: 17: a weak link: many invitations, then a stall',
    code: 'TRANSFER_STALLED',
    seen: { acknowledgedBytes: 20_000, silentMs: 14_000 },
    cause: 'weak-wifi',
    hint: [
      'Most likely the Wi-Fi between here and the device is too weak: move it nearer to the access point, or check its antenna, then push again.',
      'Or the device restarted, as when its power dips while the flash is written: check its power supply and cable, then push again.',
    ].join('\n'),
  },
  {
    number: '17 weak Wi-Fi, away for a while',
    by: 'unit/diagnose/announced: it has restarted if it denies the connection after a while; to have been away alone shows no more than that',
    code: 'TRANSFER_STALLED',
    seen: { acknowledgedBytes: 20_000, silentMs: 14_000, awayMs: 2600 },
    cause: 'weak-wifi',
    hint: [
      'Most likely the Wi-Fi between here and the device is too weak: move it nearer to the access point, or check its antenna, then push again.',
      'Or it was away for 3 s and may have restarted, as when its power dips while the flash is written: check its power supply and cable, then push again.',
    ].join('\n'),
  },
  {
    number: '17 weak Wi-Fi, hard to reach',
    code: 'CONNECTION_LOST',
    seen: { systemCode: 'ETIMEDOUT', invitations: 7, silentMs: 9000 },
    cause: 'weak-wifi',
    hint: [
      'Most likely the Wi-Fi between here and the device is too weak (7 invitations until it answered): move it nearer to the access point, or check its antenna, then push again.',
      'Or the device restarted, as when its power dips while the flash is written: check its power supply and cable, then push again.',
    ].join('\n'),
  },
  {
    number: '17 weak Wi-Fi, by the word of the device',
    code: 'IMAGE_REJECTED',
    seen: { answer: 'ERROR[6]: Stream Read Timeout' },
    cause: 'weak-wifi',
    hint: 'The Wi-Fi between here and the device is too weak: move it nearer to the access point, or check its antenna, then push again.',
  },
  {
    number: "3 container in the device's own network",
    code: 'CONNECT_BACK_MISSING',
    seen: { ...missing, host: { ...lan, inside: 'container' } },
    cause: 'firewall',
    hint: 'Perhaps a firewall of this computer is in the way: let TCP from 192.0.2.7 to port 48266 in; `hostPort: 48266` in .otarc keeps the port the same.',
  },
  {
    number: '1 firewall that lets nothing out',
    by: 'integration/explain-network: 1: nothing leaves this host',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, undeliverable: ['EPERM'], announced: { address: '192.0.2.7', port: 8266 } },
    cause: 'firewall',
    hint: 'A firewall of this computer lets nothing out to UDP port 8266 of 192.0.2.7 (EPERM): allow that: look at what it drops on its way out (`sudo nft list ruleset`, `sudo iptables -S OUTPUT`).',
  },
  {
    number: '13 announces another chip',
    code: 'DEVICE_SILENT',
    seen: {
      ...portClosed,
      imagePlatform: 'esp32',
      announced: { address: '192.0.2.7', port: 3232, platform: 'esp8266' },
    },
    cause: 'wrong-chip',
    hint: 'The device announces itself as an ESP8266, and the image is for an ESP32: build for the chip that the device has.',
  },
  {
    number: '17 too slow for the limit',
    code: 'TIMEOUT',
    seen: { waitedFor: 'sending', acknowledgedBytes: 1460, isAllTaken: true },
    cause: 'no-verdict-heard',
    hint: [
      'Most likely the device took the image, and only its word got lost: look whether the new sketch runs before you push again.',
      'Or the limit is too short for this link, or the Wi-Fi is too weak: raise --timeout; or move the device nearer to the access point, then push again.',
    ].join('\n'),
  },
  {
    number: '18 power dip',
    by: 'integration/causes: 18: it loses its power in mid-flash, and announces itself anew',
    code: 'CONNECTION_LOST',
    seen: { systemCode: 'ECONNRESET', cameBackWith: 'old-image' },
    cause: 'power-dip',
    hint: 'It restarted while it was updated and runs the old image again, as when its power dips while it writes: use a stronger supply or a shorter cable, then push again.',
  },
  {
    number: '18 power dip, of a file system',
    code: 'CONNECTION_LOST',
    seen: { systemCode: 'ECONNRESET', cameBackWith: 'old-image', imageKind: 'filesystem' },
    cause: 'filesystem-half-written',
    hint: [
      'The file system on the device may be half written: push the file-system image again.',
      'It restarted while it was updated, as when its power dips while it writes: use a stronger supply or a shorter cable, then push again.',
    ].join('\n'),
  },
  {
    number: '18 power dip, perhaps',
    code: 'CONNECTION_LOST',
    seen: { systemCode: 'ETIMEDOUT' },
    cause: 'power-dip',
    hint: [
      'Most likely the device restarted, as when its power dips while the flash is written: check its power supply and cable, then push again.',
      'Or the Wi-Fi between here and the device is too weak: move it nearer to the access point, or check its antenna, then push again.',
    ].join('\n'),
  },
  {
    number: '18 power dip, by its late reset',
    code: 'CONNECTION_LOST',
    seen: { systemCode: 'ECONNRESET', silentMs: 6000, lostBy: 'restart' },
    cause: 'power-dip',
    hint: [
      'Most likely the device restarted, as when its power dips while the flash is written: check its power supply and cable, then push again.',
      'Or the Wi-Fi between here and the device is too weak: move it nearer to the access point, or check its antenna, then push again.',
    ].join('\n'),
  },
  {
    number: 'gave up, early',
    code: 'CONNECTION_LOST',
    seen: { systemCode: 'ECONNRESET', lostBy: 'closing', acknowledgedBytes: 1460, imageChip: 'esp32-c3' },
    cause: 'wrong-chip',
    hint: [
      'Most likely the device gave up at the start of the image: it is not for this chip (it was built for an ESP32-C3), or the flash cannot be written: check the chip of the board that the project builds for.',
      'Or its power dips while the flash is written: use a stronger supply or a shorter cable, then push again.',
    ].join('\n'),
  },
  {
    number: 'gave up, later',
    by: 'integration/causes: 18: where it goes on announcing itself, it has given up and not restarted',
    code: 'CONNECTION_LOST',
    seen: { systemCode: 'ECONNRESET', lostBy: 'closing', acknowledgedBytes: 146_000 },
    cause: 'flash-fault',
    hint: [
      'Most likely the device gave up: it could not write its flash: push again; if it happens again at the same place, its flash is damaged: its serial output says what fails.',
      'Or its power dips while the flash is written: use a stronger supply or a shorter cable, then push again.',
    ].join('\n'),
  },
  {
    number: '18 power dip, the flash',
    code: 'IMAGE_REJECTED',
    seen: { answer: 'ERROR[1]: Flash Write Failed' },
    cause: 'power-dip',
    hint: 'The flash could not be written: check the power supply, then push again.',
  },
  {
    number: '19 host slept',
    by: 'e2e/host-slept: 19: the failure says that it slept',
    code: 'CONNECTION_LOST',
    seen: { suspendedMs: 754_000 },
    cause: 'host-slept',
    hint: 'This computer slept for 754 s during the push: push again, and keep it awake meanwhile.',
  },
  {
    number: '20 port taken',
    by: 'integration/causes: 20: the port of this computer is taken',
    code: 'HOST_PORT_IN_USE',
    seen: { hostPort: 48_266, systemCode: 'EADDRINUSE' },
    cause: 'host-port-taken',
    hint: 'Choose another `--host-port`, or leave it out and let otarc choose.',
  },
  {
    number: '20 port forbidden',
    code: 'HOST_PORT_IN_USE',
    seen: { hostPort: 80, systemCode: 'EACCES' },
    cause: 'host-port-taken',
    hint: 'Choose a `--host-port` above 1023, or leave it out and let otarc choose.',
  },
  {
    number: '21 old image',
    code: 'OLD_IMAGE_RUNS',
    seen: {},
    cause: 'old-image-runs',
    hint: 'The new image crashed at its start and was rolled back, or the copy to its place failed: look at its serial output while it boots; on an ESP8266 check the flash mode of the build.',
  },
  {
    number: '21 old image, after a crash',
    by: 'integration/verify: fails with OLD_IMAGE_RUNS where its sum is the %s one',
    code: 'OLD_IMAGE_RUNS',
    seen: { resetReason: 'exception' },
    cause: 'old-image-runs',
    hint: 'The new image crashed at its start (exception), and the device went back to the old one: look at its serial output while it boots.',
  },
  {
    number: '21 old image, ESP8266',
    code: 'OLD_IMAGE_RUNS',
    seen: { resetReason: 'software', platform: 'esp8266' },
    cause: 'old-image-runs',
    hint: 'The copy of the new image to its place failed, or it crashed at its start: look at its serial output while it boots, and check the flash mode and size of the build.',
  },
  {
    number: '21 old image, without a restart',
    code: 'OLD_IMAGE_RUNS',
    seen: { isUnrestarted: true },
    cause: 'old-image-runs',
    hint: 'The running sketch does not restart after an update (`ArduinoOTA.setRebootOnSuccess(false)`), or hangs: restart it, by its own means or by its power.',
  },
  {
    number: '22 two of one name',
    by: 'integration/causes: 22: two devices of one name',
    code: 'NAME_NOT_RESOLVED',
    seen: { isAmbiguous: true },
    cause: 'two-of-one-name',
    hint: 'Rename one of them, or say which one is meant: `host: <address>` under its name in .otarc.',
  },
  {
    number: '22 two of one name, after silence',
    by: 'integration/doctor: two devices of one name are none that is well',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, announced: 'several' },
    cause: 'two-of-one-name',
    hint: 'Several devices announce that name, and another one may be meant: rename all but one, or say which one is meant: `host: <address>` under its name in .otarc.',
  },
  {
    number: '23 two otarc',
    by: 'integration/causes: 23: another otarc is at it',
    code: 'DEVICE_LOCKED',
    seen: { ownHint: 'Wait until the other otarc is done.' },
    cause: 'two-otarc',
    hint: 'Wait until the other otarc is done.',
  },
  {
    number: '24 first after cable',
    by: 'integration/causes: 24: the first update after a cable',
    code: 'DEVICE_REFUSED',
    seen: { answer: 'ERROR[11]: Invalid bootstrapping state, reset ESP8266 before updating' },
    cause: 'first-after-cable',
    hint: 'This is the first update after flashing by cable, which an ESP8266 takes only after a reset: press reset on the device once, then push again.',
  },
  {
    number: '25 safe mode',
    by: 'integration/causes: 25: HomeDing in safe mode, known by its own configuration',
    code: 'DEVICE_SILENT',
    seen: { ...portClosed, platform: 'esp32', isHomeding: true },
    cause: 'homeding-safe-mode',
    hint: [
      'Most likely HomeDing is in safe mode, where it starts no OTA: open its web page, fix env.json or config.json, and restart it without pressing the button.',
      'Or it listens on another port than 8266: check the port (ESP8266 8266, ESP32 3232, RP2040 2040, HomeDing 8266 on every chip).',
      'Or the sketch that runs on it has no OTA, or has not come to it yet: flash by cable one that calls ArduinoOTA.begin() in setup() and .handle() in loop().',
    ].join('\n'),
  },
  {
    number: '25 safe mode of an ESP8266',
    code: 'DEVICE_SILENT',
    seen: { ...portClosed, platform: 'esp8266', isHomeding: true },
    cause: 'homeding-safe-mode',
    hint: [
      'Most likely HomeDing is in safe mode, where it starts no OTA: open its web page, fix env.json or config.json, and restart it without pressing the button.',
      'Or it listens on another port than 8266: check the port (ESP8266 8266, ESP32 3232, RP2040 2040, HomeDing 8266 on every chip).',
      'Or the sketch that runs on it has no OTA, or has not come to it yet: flash by cable one that calls ArduinoOTA.begin() in setup() and .handle() in loop().',
    ].join('\n'),
  },
  {
    number: 'half a file system',
    by: 'integration/causes: 15: a file system that breaks off half written',
    code: 'CONNECTION_LOST',
    seen: { imageKind: 'filesystem', acknowledgedBytes: 4096 },
    cause: 'filesystem-half-written',
    hint: [
      'The file system on the device may be half written: push the file-system image again before it restarts.',
      'Most likely the Wi-Fi between here and the device is too weak: move it nearer to the access point, or check its antenna, then push again.',
      'Or the device restarted, as when its power dips while the flash is written: check its power supply and cable, then push again.',
    ].join('\n'),
  },
  {
    number: 'nothing of the image',
    code: 'IMAGE_REJECTED',
    seen: { answer: 'ERROR[13]: No data supplied' },
    cause: 'damaged-on-the-way',
    hint: 'The device got nothing of the image: push again; if it happens again, check the Wi-Fi signal and the power supply.',
  },
  {
    number: 'unreadable, ESP8266',
    code: 'IMAGE_REJECTED',
    seen: { answer: 'ERROR[3]: Flash Read Failed' },
    cause: 'flash-fault',
    hint: 'What was written does not read back as an image: build for the very chip and flash of the device, check its power supply, and push again.',
  },
  {
    number: 'unreadable, ESP32',
    code: 'IMAGE_REJECTED',
    seen: { answer: 'Flash Read Failed', platform: 'esp32' },
    cause: 'flash-fault',
    hint: 'What was written does not read back as an image: build for the very chip and flash of the device, check its power supply, and push again.',
  },
  {
    number: 'gone',
    code: 'DEVICE_GONE',
    seen: {},
    cause: 'device-gone',
    hint: 'The new sketch crashes at its start, or does not find the Wi-Fi: look at its serial output while it boots; if it stays away, flash by cable a sketch that works.',
  },
  {
    number: 'crash loop',
    by: 'integration/verify: fails with its crash loop where it comes, goes and comes again',
    code: 'DEVICE_GONE',
    seen: { restartsEveryMs: 6000, resetReason: 'watchdog' },
    cause: 'crash-loop',
    hint: 'The new sketch crashes soon after its start (watchdog): push a sketch that works while the device is up, or flash by cable a sketch that works.',
  },
  {
    number: 'signature',
    code: 'IMAGE_REJECTED',
    seen: { answer: 'ERROR[12]: Signature verification failed' },
    cause: 'signature-refused',
    hint: 'The device refuses the signature: sign the image with the key that the running sketch trusts.',
  },
  {
    number: 'memory',
    code: 'DEVICE_REFUSED',
    seen: { answer: 'ERROR[14]: Out of memory' },
    cause: 'out-of-memory',
    hint: 'The device is out of memory: power-cycle it, then push again.',
  },
  {
    number: 'no verdict',
    code: 'NO_VERDICT',
    seen: { acknowledgedBytes: 60_000 },
    cause: 'no-verdict-heard',
    hint: 'Most likely the device took the image, and only its word got lost: look whether the new sketch runs before you push again.',
  },
  {
    number: 'another program',
    code: 'PROTOCOL_ERROR',
    seen: { answer: 'HTTP/1.1 400' },
    cause: 'another-program',
    hint: 'Something else answers at this address and port: check address and port of the device.',
  },
  {
    number: 'another image',
    code: 'PROTOCOL_ERROR',
    seen: { answer: 'OK', sentBytes: 500 },
    cause: 'another-program',
    hint: 'It took another image than this one: look at what it runs, then push again.',
  },
  {
    number: 'stuck in its authentication',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, afterChallenge: true },
    cause: 'out-of-reach',
    hint: [
      'Most likely the device is stuck in its authentication: power-cycle the device, then push again; if it happens again, look at its serial output.',
      'Or the Wi-Fi between here and the device is too weak (9 invitations until it answered): move it nearer to the access point, or check its antenna, then push again.',
    ].join('\n'),
  },
  {
    number: 'a very slow loop()',
    code: 'DEVICE_SILENT',
    seen: { ...nothingBack, invitations: 3, afterChallenge: true, longestAnswerMs: 8012 },
    cause: 'sketch-without-ota',
    hint: [
      'Most likely its sketch blocks its loop() (an answer took 8 s): call ArduinoOTA.handle() more often: delay() in loop() holds it back.',
      'Or the device is stuck in its authentication: power-cycle the device, then push again; if it happens again, look at its serial output.',
      'Or the Wi-Fi between here and the device is too weak: move it nearer to the access point, or check its antenna, then push again.',
    ].join('\n'),
  },
];

test.each(table)('$number: $cause', ({ code, seen, cause, hint }) => {
  const findings = allFindings(observed(code, seen));
  expect(findings[0]?.cause).toBe(cause);
  expect(hintOf(findings)).toBe(hint);
  expect(heightOf(hint.split('\n'))).toBeLessThanOrEqual(6);
});

test.each([
  ['the word itself', 'password'],
  ['ab'.repeat(16), 'password-like-hash'],
  ['AB'.repeat(32), 'password-like-hash'],
  ['ab'.repeat(24), 'password'],
])('a password looks like a hash where it has as many digits: %s', (text, credential) => {
  const target: Target = {
    name: 'hall',
    address: '192.0.2.7',
    port: 8266,
    via: 'config',
    acceptFrom: 'device',
    credential: { type: 'password', secret: new Secret(text) },
  };
  expect(knownOf({ device: { name: 'hall' }, target }).credential).toBe(credential);
});

test('each of the 25 is brought about by a test that there is', () => {
  const reproduced = table.flatMap(({ number, by }) => (by === undefined ? [] : Number.parseInt(number, 10)));
  const wanted = Array.from({ length: 25 }, (_, index) => index + 1);
  expect(wanted.filter((number) => !reproduced.includes(number))).toEqual([]);
  for (const { by } of table) {
    const [, file, title] = /^(\S+): (.*)$/.exec(by ?? '') ?? [];
    if (file === undefined || title === undefined) continue;
    const text = readFileSync(new URL(`../../${file}.test.ts`, import.meta.url), 'utf8');
    expect(text, by).toContain(title);
  }
});

test('the 25 causes of the list are all in the table', () => {
  const numbers = new Set(table.map(({ number }) => Number.parseInt(number, 10)));
  expect([...numbers].filter((number) => number > 0).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 25 }, (_, index) => index + 1),
  );
});

test.each([
  ['answer', { datagramsReceived: 0 }, ['out-of-reach', 'short-limit', 'sketch-without-ota']],
  ['answer', { datagramsReceived: 1, nonceDigits: 32 }, ['short-limit']],
  ['connection', { datagramsReceived: 1 }, ['firewall', 'short-limit']],
  ['sending', { datagramsReceived: 1, acknowledgedBytes: 0 }, undefined],
  ['sending', { datagramsReceived: 1, acknowledgedBytes: 1460 }, ['weak-wifi']],
  ['device', {}, undefined],
  ['other-otarc', {}, undefined],
] as const)('a limit that ended the wait for: %s %j', (waitedFor, more, causes) => {
  const details = { timeoutMs: 2000, waitedFor, hostPort: 48_266, ...more };
  const error = new OtaError('TIMEOUT', 'It was not done.', { details });
  const better = diagnosedFully(error, { device: 'livingroom', address: '192.0.2.7', port: 8266, host: lan });
  expect(better.code).toBe('TIMEOUT');
  expect(better.details['causes']).toEqual(causes);
});

test('an error gets the hint and the causes, and keeps the rest', () => {
  const details = { hostAddress: '192.0.2.2', hostPort: 48_266, undeliverable: [], waitedMs: 15_000 };
  const error = new OtaError('CONNECT_BACK_MISSING', 'It did not connect.', { details });
  const known = { device: 'livingroom', address: '192.0.2.7', host: lan };
  const better = diagnosedFully(error, known);
  expect(better).toMatchObject({ code: error.code, message: error.message, details });
  expect(better.details['causes']).toEqual(['firewall']);
  expect(better.hint).toContain('48266');
});

test('after the espota command, which reads no .otarc, the cure is in its own flags', () => {
  const hints = (code: ErrorCode, seen: Partial<Observations>) =>
    hintOf(allFindings(observed(code, { ...seen, wording: 'espota' })));
  const dropped = { ...lan, firewalls: [{ tool: 'ufw', state: 'filters' } as const] };
  expect(hints('CONNECT_BACK_MISSING', { ...missing, host: dropped })).toContain(
    '(-P 48266 keeps the port the same)',
  );
  expect(hints('CONNECT_BACK_MISSING', { ...missing, foreignConnections: ['172.17.0.1'] })).toContain(
    'use `otarc push`, with `acceptFrom: any`',
  );
  const here = { ...nothingBack, announced: { address: '192.0.2.7', port: 3232 } };
  expect(hints('DEVICE_SILENT', here)).toContain('correct -p to 3232, or leave it out');
  expect(hints('PASSWORD_REQUIRED', { credential: 'none' })).toMatch(/-a .*OTARC_PASSWORD\.$/);
  for (const { code, seen, cause } of table) {
    // Settings that it has no flags for: what takes them is named.
    if (code === undefined || cause === 'address-translation') continue;
    if (seen.credential?.endsWith('hash') === true) continue;
    if (seen.ownHint !== undefined && code !== 'NAME_NOT_RESOLVED') continue;
    expect(hints(code, seen), `${code} ${cause}`).not.toMatch(/\.otarc|--(port|host)|`\w+:/);
  }
});

test('an error that no rule knows stays as it is', () => {
  const error = new OtaError('BUILD_FAILED', 'It does not compile.');
  expect(diagnosed(error, { device: 'livingroom' }, [])).toBe(error);
});

test('NaN, undefined and secrets appear in no hint', () => {
  for (const { hint } of table) expect(hint).not.toMatch(/undefined|NaN|null/);
});

function observed(code: ErrorCode | undefined, seen: Partial<Observations>): Observations {
  return {
    device: 'livingroom',
    address: '192.0.2.7',
    undeliverable: [],
    foreignConnections: [],
    ...(code === undefined ? {} : { code }),
    ...seen,
  };
}
