// Node's memcached: prints as one line of JSON what each of its calls yields. Argument: host:port.
'use strict';

const { setTimeout: sleep } = require('timers/promises');
const { promisify } = require('util');
const Memcached = require('memcached');

async function main(server) {
  const memcached = new Memcached(server, { poolSize: 4, timeout: 1000000 });
  const outcomes = [];
  const call = (method, ...args) => promisify(memcached[method]).apply(memcached, args);
  const step = async (method, ...args) => {
    const outcome = await call(method, ...args).catch((error) => `${error.name}: ${error.message}`);
    outcomes.push([method, outcome === undefined ? null : outcome]);
  };

  await step('get', 'key');
  await step('replace', 'key', 'value', 0);
  await step('add', 'key', 'value', 0);
  await step('add', 'key', 'other', 0);
  await step('replace', 'key', 'middle', 0);
  await step('append', 'key', ' end');
  await step('prepend', 'key', 'start ');
  await step('get', 'key');
  await step('append', 'missing', ' end');
  await step('del', 'key');
  await step('del', 'key');

  await step('set', 'structure', { list: [1, null], text: 'naïve ☕\r\nEND\r\n' }, 0);
  await step('get', 'structure');
  await step('set', 'bytes', Buffer.from([0, 13, 10, 255]), 0);
  await step('get', 'bytes');

  await step('incr', 'counter', 1);
  await step('set', 'counter', 10, 0);
  await step('incr', 'counter', 2);
  await step('decr', 'counter', 3);
  await step('decr', 'counter', 100);
  await step('get', 'counter');
  await step('set', 'word', 'word', 0);
  await step('incr', 'word', 1);

  await step('getMulti', ['counter', 'word', 'missing']);
  const { cas } = await call('gets', 'word');
  await step('cas', 'word', 'new', cas, 0);
  await step('cas', 'word', 'newer', cas, 0);
  await step('get', 'word');

  // All at once, over the connections of the pool.
  const numbers = [...Array(200).keys()];
  await Promise.all(numbers.map((i) => call('set', `many${i}`, i, 0)));
  const many = await Promise.all(numbers.map((i) => call('get', `many${i}`)));
  outcomes.push(['200 at once', many.every((value, i) => value === i)]);

  await step('set', 'short', 'value', 1);
  await step('touch', 'word', 100);
  await step('touch', 'missing', 100);
  while ((await call('get', 'short')) !== undefined) await sleep(10);
  await step('get', 'short');

  const settings = await call('settings');
  outcomes.push(['settings', settings[0].maxbytes, settings[0].item_size_max]);
  await step('flush');
  await step('get', 'word');

  memcached.end();
  console.log(JSON.stringify(outcomes));
}

main(process.argv[2]);
