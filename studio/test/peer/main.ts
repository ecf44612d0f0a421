// Runs the test peer by hand: npm run peer [port]. Open the studio it serves, or `npm run dev` with ?ws=ws://127.0.0.1:port/.

import { Peer } from "./peer";

const port = await new Peer("dist").start(Number(process.argv[2] ?? 8765));
console.log(`test peer: http://127.0.0.1:${port}/`);
