import { afterEach, describe, expect, it } from 'vitest';
import { createNetwork, type Network, twoPlaces, whyNoNamespaces } from '../support/namespaces.ts';

const obstacle = whyNoNamespaces();
if (obstacle !== undefined && process.env['CI'] === 'true') throw new Error(obstacle);
if (obstacle !== undefined) console.warn(`Not tested: discovery in networks, for ${obstacle}.`);

let network: Network | undefined;
afterEach(() => network?.close());

const twoNetworks = () => twoPlaces((network = createNetwork()));

const device = (name: string, address: string) => ({ name, addresses: [address], on: address });

describe.skipIf(obstacle !== undefined)('in a network', { timeout: 30_000 }, () => {
  it('finds devices on every interface, and the address that each of them sees', async () => {
    const { host, first, second } = twoNetworks();
    await Promise.all([
      first.respond(device('hall', '10.77.1.2')),
      second.respond({ ...device('attic', '10.77.2.2'), way: 'multicast' }),
    ]);
    const [hall, attic] = await Promise.all([
      host.locate({ host: 'hall' }),
      host.locate({ host: 'attic.local' }),
    ]);
    expect(hall).toMatchObject({ via: 'mdns', address: '10.77.1.2', port: 8266, hostAddress: '10.77.1.1' });
    expect(attic).toMatchObject({ via: 'mdns', address: '10.77.2.2', port: 8266, hostAddress: '10.77.2.1' });
  });

  it('does not choose between two devices of one name, but for the interface that is asked for', async () => {
    const { host, first, second } = twoNetworks();
    await Promise.all([
      first.respond(device('hall', '10.77.1.2')),
      second.respond(device('hall', '10.77.2.2')),
    ]);
    const onFirst = await host.locate({ host: 'hall', interfaces: ['veth1a'] });
    expect(onFirst).toMatchObject({ address: '10.77.1.2', hostAddress: '10.77.1.1' });
    const onSecond = await host.locate({ host: 'hall', interfaces: ['10.77.2.1'] });
    expect(onSecond).toMatchObject({ address: '10.77.2.2', hostAddress: '10.77.2.1' });
    expect(await host.locate({ host: 'hall' })).toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message: expect.stringMatching(/contradict.*(10\.77\.1\.2.*10\.77\.2\.2|10\.77\.2\.2.*10\.77\.1\.2)/),
    });
  });

  it('hears on one interface nothing that was multicast on the other', async () => {
    const { host, second } = twoNetworks();
    await second.respond({ ...device('hall', '10.77.2.2'), way: 'multicast', fromQuestion: 3 });
    const [outcome, other] = await Promise.all([
      host.locate({ host: 'hall', interfaces: ['veth1a'], timeoutMs: 3000 }),
      host.locate({ host: 'hall', interfaces: ['veth2a'] }),
    ]);
    expect(other).toMatchObject({ address: '10.77.2.2' });
    expect(outcome).toMatchObject({ code: 'NAME_NOT_RESOLVED', details: { interfaces: ['veth1a'] } });
  });

  it('finds a device again that got another address', async () => {
    const { host, first } = twoNetworks();
    const stop = await first.respond(device('hall', '10.77.1.2'));
    expect(await host.locate({ host: 'hall' })).toMatchObject({ address: '10.77.1.2' });
    await stop();
    first.ip('addr del 10.77.1.2/24 dev veth1b');
    first.ip('addr add 10.77.1.9/24 dev veth1b');
    await first.respond(device('hall', '10.77.1.9'));
    expect(await host.locate({ host: 'hall' })).toMatchObject({ address: '10.77.1.9', via: 'mdns' });
  });

  it('is not hindered by an interface without multicast', async () => {
    const { host, second } = twoNetworks();
    host.ip('link set veth1a multicast off');
    await second.respond(device('hall', '10.77.2.2'));
    expect(await host.locate({ host: 'hall' })).toMatchObject({ address: '10.77.2.2', via: 'mdns' });
  });

  it('says that no question gets through, and goes by what the system says', async () => {
    const { host } = twoNetworks();
    host.refuseMulticast();
    host.configure('hosts', '10.77.1.2 hall\n');
    host.configure('resolv.conf', '');
    expect(await host.locate({ host: 'hall' })).toMatchObject({ address: '10.77.1.2', via: 'os' });
    expect(await host.locate({ host: 'attic' })).toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      message: expect.stringMatching(/attic\.local could not be asked for over mDNS on .*veth1a/),
    });
  });

  it("shares 5353 with the system's own responder", async () => {
    const { host, first, second } = twoNetworks();
    await Promise.all([
      host.respond({ occupy: 'shared', on: '10.77.1.1' }),
      first.respond(device('hall', '10.77.1.2')),
      second.respond({ ...device('attic', '10.77.2.2'), way: 'multicast' }),
    ]);
    expect(await host.locate({ host: 'hall' })).toMatchObject({ address: '10.77.1.2', via: 'mdns' });
    expect(await host.locate({ host: 'attic' })).toMatchObject({ address: '10.77.2.2', via: 'mdns' });
  });

  it('does without 5353 where it cannot be shared', async () => {
    const { host, first } = twoNetworks();
    await Promise.all([host.respond({ occupy: 5353 }), first.respond(device('hall', '10.77.1.2'))]);
    expect(await host.locate({ host: 'hall' })).toMatchObject({
      address: '10.77.1.2',
      via: 'mdns',
      log: expect.arrayContaining([expect.stringContaining('EADDRINUSE')]),
    });
  });

  it('speaks IPv6 where there is nothing else', async () => {
    network = createNetwork();
    const [host, first] = [network.namespace('host'), network.namespace('one')];
    network.connect(host, first);
    const [own, theirs] = [host.linkLocal('veth1a'), first.linkLocal('veth1b')];
    expect(theirs).not.toBe('');
    await first.respond({ name: 'hall', addresses: [theirs], on: '::%veth1b' });
    expect(await host.locate({ host: 'hall' })).toMatchObject({
      via: 'mdns',
      address: `${theirs}%veth1a`,
      hostAddress: `${own}%veth1a`,
      port: 8266,
    });
  });

  it("goes by the system's hosts file where mDNS stays silent", async () => {
    const { host } = twoNetworks();
    host.configure('hosts', '10.77.1.2 hall\n');
    expect(await host.locate({ host: 'hall' })).toMatchObject({
      via: 'os',
      address: '10.77.1.2',
      hostAddress: '10.77.1.1',
    });
  });

  it('says so in a container without a network', async () => {
    network = createNetwork();
    const host = network.namespace('host');
    expect(await host.locate({ host: 'hall', timeoutMs: 500 })).toMatchObject({
      code: 'NAME_NOT_RESOLVED',
      hint: expect.stringContaining('no network interface but loopback'),
    });
    expect(await host.locate({ host: '198.51.100.7' })).toMatchObject({
      code: 'DEVICE_SILENT',
      message: expect.stringContaining('no route to 198.51.100.7'),
    });
  });

  it('does not hang on a DNS server that is silent', async () => {
    const { host, first } = twoNetworks();
    await first.respond({ occupy: 53 });
    host.configure('resolv.conf', 'nameserver 10.77.1.2\noptions timeout:20 attempts:1\n');
    const outcome = await host.locate({ host: 'hall.local', timeoutMs: 1500 });
    expect(outcome).toMatchObject({ code: 'NAME_NOT_RESOLVED', details: { os: 'waiting' } });
    expect(Date.now() - outcome.endedAt).toBeLessThan(10_000);
  });
});
