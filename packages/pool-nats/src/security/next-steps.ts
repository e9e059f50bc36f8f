/** The page that lies beside the keys of a pool. */

/** What to do with the folder. */
export function nextSteps(pool: string, server: string): string {
  return `# Keys of the pool "${pool}"

Written by \`pexen node --init-security\`. Files that end in \`.key\` or \`.nkey\` are secrets: a client with \`scheduler/scheduler.nkey\` may run code on
all nodes, and one with the key of a node may pretend to be this node, and no other.

1. **The server.** Copy \`server\` to the machine behind ${server}, for the user that runs the server, and start it in that folder:

       nats-server -c nats.conf

2. **The nodes.** Copy \`nodes/NAME\` to each node. There, in the folder of the suite:

       pexen node --file FOLDER/node.json

   The key of a node is of use under its name only.
3. **The scheduler**, where \`pexen run\` runs: copy \`scheduler\` there, and name the files in the configuration,

       nats({
         servers: '${server}',
         pool: '${pool}',
         nkey: 'scheduler/scheduler.nkey',
         tls: { ca: 'scheduler/ca.crt' },
       })

   or in the environment: PEXEN_NATS_NKEY and PEXEN_NATS_TLS_CA.
4. **Keep** \`ca.key\` where no one else can read it. It signs certificates of servers, and is needed for the next one only.

Afterwards:

- More nodes: \`pexen node --init-security THIS_FOLDER --nodes NAME,NAME\` adds them and changes nothing else. Copy \`server/users.conf\` to the server,
  and let it read that again: \`nats-server --signal reload\`.
- A key was lost or stolen: \`pexen node --init-security THIS_FOLDER --revoke NAME\`, and the same. The server ends the connections of that key.
- The certificate of the server ends: remove \`server/server.crt\` and \`server/server.key\`, and run the command again.
`;
}
