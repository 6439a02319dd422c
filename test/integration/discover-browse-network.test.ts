import { afterEach, describe, expect, it } from 'vitest';
import { createNetwork, type Network, twoPlaces, whyNoNamespaces } from '../support/namespaces.ts';

const obstacle = whyNoNamespaces();
if (obstacle !== undefined && process.env['CI'] === 'true') throw new Error(obstacle);
if (obstacle !== undefined) console.warn(`Not tested: browsing in networks, for ${obstacle}.`);

let network: Network | undefined;
afterEach(() => network?.close());

const twoNetworks = () => twoPlaces((network = createNetwork()));

const device = (name: string, address: string) => ({
  name,
  addresses: [address],
  on: address,
  pointer: 'whole',
  ttl: 120,
});
const are =
  (...expected: string[]) =>
  (devices: readonly string[]) =>
    JSON.stringify(devices) === JSON.stringify(expected);

describe.skipIf(obstacle !== undefined)('browsing in a network', { timeout: 60_000 }, () => {
  it('finds the devices on every interface, once each', async () => {
    const { host, first, second } = twoNetworks();
    await first.respond(device('hall', '10.77.1.2'));
    const browsing = host.browse();
    await browsing.until(are('hall 10.77.1.2:8266'));
    await second.respond({ ...device('attic', '10.77.2.2'), way: 'multicast' });
    await browsing.until(are('attic 10.77.2.2:8266', 'hall 10.77.1.2:8266'));
    expect(browsing.problems).toEqual([]);
  });

  it('shows two devices of one name as two, and one of them where only its interface counts', async () => {
    const { host, first, second } = twoNetworks();
    await Promise.all([
      first.respond(device('hall', '10.77.1.2')),
      second.respond(device('hall', '10.77.2.2')),
    ]);
    const [all, one] = [host.browse(), host.browse({ interfaces: ['veth2a'] })];
    await Promise.all([
      all.until(are('hall 10.77.1.2:8266', 'hall 10.77.2.2:8266')),
      one.until(are('hall 10.77.2.2:8266')),
    ]);
  });

  it('follows a device that got another address', async () => {
    const { host, first } = twoNetworks();
    const stop = await first.respond(device('hall', '10.77.1.2'));
    const browsing = host.browse();
    await browsing.until(are('hall 10.77.1.2:8266'));
    await stop();
    first.ip('addr del 10.77.1.2/24 dev veth1b');
    first.ip('addr add 10.77.1.9/24 dev veth1b');
    await first.respond(device('hall', '10.77.1.9'));
    await browsing.until(are('hall 10.77.1.9:8266'));
  });

  it('finds devices on an interface that comes later', async () => {
    network = createNetwork();
    const [host, first] = [network.namespace('host'), network.namespace('one')];
    const browsing = host.browse();
    await expect.poll(() => browsing.problems, { timeout: 20_000 }).toHaveLength(1);
    expect(browsing.problems[0]).toMatch(/no network interface but loopback.*\(total\)/);
    network.connect(host, first);
    host.ip('addr add 10.77.1.1/24 dev veth1a');
    first.ip('addr add 10.77.1.2/24 dev veth1b');
    await first.respond(device('hall', '10.77.1.2'));
    await browsing.until(are('hall 10.77.1.2:8266'));
  });

  it('waits for an interface that vanished to come back', async () => {
    const { host, first } = twoNetworks();
    const browsing = host.browse({ interfaces: ['10.77.1.1'] });
    const stop = await first.respond({ ...device('hall', '10.77.1.2'), ttl: 5, way: 'multicast' });
    await browsing.until(are('hall 10.77.1.2:8266'));
    await stop();
    host.ip('addr del 10.77.1.1/24 dev veth1a');
    await browsing.until(are());
    host.ip('addr add 10.77.1.1/24 dev veth1a');
    await first.respond(device('hall', '10.77.1.2'));
    await browsing.until(are('hall 10.77.1.2:8266'));
  });

  it('speaks IPv6 where there is nothing else', async () => {
    network = createNetwork();
    const [host, first] = [network.namespace('host'), network.namespace('one')];
    network.connect(host, first);
    const address = first.linkLocal('veth1b');
    await first.respond({ ...device('hall', address), on: '::%veth1b' });
    await host.browse().until(are(`hall ${address}%veth1a:8266`));
  });

  it('is not hindered by an interface without multicast', async () => {
    const { host, second } = twoNetworks();
    host.ip('link set veth1a multicast off');
    await second.respond(device('hall', '10.77.2.2'));
    await host.browse().until(are('hall 10.77.2.2:8266'));
  });

  it("takes nothing that is sent to this host alone: it may be for the system's own responder", async () => {
    const { host, first, second } = twoNetworks();
    await Promise.all([
      first.respond({ ...device('hall', '10.77.1.2'), way: 'multicast' }),
      second.respond({ ...device('attic', '10.77.2.2'), way: 'multicast' }),
    ]);
    await host.browse().until(are('attic 10.77.2.2:8266', 'hall 10.77.1.2:8266'));
    const bound = [...host.udpSockets().matchAll(/[0-9A-F]+:14E9/g)].map(([place]) => place);
    const groups = ['FB0000E0:14E9', '000002FF0000000000000000FB000000:14E9'];
    expect([...new Set(bound)].toSorted()).toEqual(groups.toSorted());
  });

  it("shares 5353 with the system's own responder", async () => {
    const { host, first, second } = twoNetworks();
    await Promise.all([
      host.respond({ occupy: 'shared', on: '10.77.1.1' }),
      first.respond(device('hall', '10.77.1.2')),
      second.respond({ ...device('attic', '10.77.2.2'), way: 'multicast' }),
    ]);
    const browsing = host.browse();
    await browsing.until(are('attic 10.77.2.2:8266', 'hall 10.77.1.2:8266'));
    expect(browsing.problems).toEqual([]);
  });

  it('does without 5353 where it cannot be shared, and says so once', async () => {
    const { host, first } = twoNetworks();
    await Promise.all([host.respond({ occupy: 5353 }), first.respond(device('hall', '10.77.1.2'))]);
    const browsing = host.browse();
    await browsing.until(are('hall 10.77.1.2:8266'));
    await expect.poll(() => browsing.problems, { timeout: 20_000 }).toHaveLength(1);
    expect(browsing.problems[0]).toMatch(/hears no announcements.*EADDRINUSE/);
  });

  it('is not drowned by a flood', async () => {
    const { host, first, second } = twoNetworks();
    await second.respond({ occupy: 'flood', on: '10.77.2.2' });
    const browsing = host.browse();
    await browsing.until(({ length }) => length === 1000);
    await first.respond(device('hall', '10.77.1.2'));
    await browsing.until((devices) => devices.includes('hall 10.77.1.2:8266'));
  });
});
