// A certified OpenID provider as the other side of tests: two issuers on two ports, PKCE demanded by both, the second
// with signed answers about people and without a word on whether an address is verified, as ProConnect has it.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , folder, settings] = process.argv;
const { clients, accounts } = JSON.parse(settings);
const { Provider } = await import(
  pathToFileURL(join(folder, 'node_modules/oidc-provider/lib/index.js')).href
);

function listen(client, silent) {
  return new Promise((told) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const issuer = `http://127.0.0.1:${server.address().port}`;
      const provider = new Provider(issuer, {
        clients: [client],
        pkce: { required: () => true },
        claims: { email: silent ? ['email'] : ['email', 'email_verified'], profile: ['name'] },
        features: { jwtUserinfo: { enabled: true } },
        findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
      });
      server.on('request', provider.callback());
      told(issuer);
    });
  });
}

const issuers = [await listen(clients[0], false), await listen(clients[1], true)];
console.log(JSON.stringify(issuers));
