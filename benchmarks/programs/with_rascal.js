// Let rascal assert a document's objects, or check that they exist.
// Usage: with_rascal.js make|check DOCUMENT AMQP_URL CHANNELS
"use strict";

const { readFileSync } = require("node:fs");
const { BrokerAsPromised, withDefaultConfig } = require("rascal");

const [action, document, url, channels] = process.argv.slice(2);
const objects = JSON.parse(readFileSync(document, "utf8"));
const how = action === "make" ? { assert: true, check: false } : { assert: false, check: true };
const named = (items, describe) => Object.fromEntries(items.map((item) => [item.name, { ...describe(item), ...how }]));

const virtualHost = {
  connection: { url },
  concurrency: Number(channels),
  exchanges: named(objects.exchanges, ({ type, durable }) => ({ type, options: { durable } })),
  queues: named(objects.queues, ({ durable, auto_delete: autoDelete, arguments: given }) => ({
    options: { durable, autoDelete, arguments: given },
  })),
  // rascal cannot check a binding.
  bindings: Object.fromEntries(
    (action === "make" ? objects.bindings : []).map((binding, number) => [
      `binding${number}`,
      {
        source: binding.source,
        destination: binding.destination,
        destinationType: binding.destination_type,
        bindingKey: binding.routing_key,
      },
    ]),
  ),
};

(async () => {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  const broker = await BrokerAsPromised.create(withDefaultConfig({ vhosts: { [name]: virtualHost } }));
  await broker.shutdown();
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
