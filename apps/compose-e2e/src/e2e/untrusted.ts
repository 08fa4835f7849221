/** Files of a repository whose commands look for a way out of their zone; what they find goes to their output. */
export const untrustedFiles = {
  'answer.txt': '41\n',
  'look.sh': `#!/bin/bash
# Prints a line "found: …" for everything that it should not be able to do.
for file in /run/secrets/* /etc/shadow /proc/[0-9]*/environ /var/lib/necrocode/* /etc/necrocode/*; do
  case "$file" in /proc/$$/environ | /proc/$PPID/environ) continue ;; esac
  if text=$(tr '\\0' '\\n' < "$file" 2>/dev/null) && [ -n "$text" ]; then
    owner=$(stat -c %u "$file" 2>/dev/null)
    [ "$owner" = "$(id -u)" ] || echo "found: $file can be read"
  fi
done
for room in /rooms/*; do
  [ "$room" = "\${PWD%/tree}" ] || { ls "$room" > /dev/null 2>&1 && echo "found: $room can be listed"; }
done
for place in /usr/x /etc/x /x /app/x /rooms/x ../x ../../x /run/x; do
  (echo x > "$place") 2>/dev/null && echo "found: $place can be written"
done
node -e '
  const net = require("node:net");
  const places = JSON.parse(process.argv[1]);
  let left = places.length;
  const end = () => (left -= 1) || process.exit();
  for (const place of places) {
    const socket = net.connect(place);
    socket.setTimeout(3000, () => socket.destroy());
    socket.on("connect", () => { console.log("found: " + JSON.stringify(place) + " answers"); socket.destroy(); });
    socket.on("error", () => {}).on("close", end);
  }' "$1"
kill -0 1 2>/dev/null && echo 'found: the first process can be signalled'
grep -h '^CapEff:' /proc/self/status | grep -qv '0000000000000000$' && echo 'found: capabilities'
id -u | grep -q '^0$' && echo 'found: root'
env | grep -iE 'token|key|secret|nats|openai' | sed 's/^/found: /'
echo "looked around as $(id -u)"
`,
};

const systemAddresses = [
  { host: 'nats', port: 4222 },
  { host: 'task-registry', port: 50051 },
  { host: 'runner', port: 8080 },
  { host: 'git-server', port: 8080 },
  { path: '/run/necrocode/sandbox.sock' },
  { path: '/run/necrocode-setup/sandbox.sock' },
  { path: '/var/run/docker.sock' },
];

/** Setup may reach the internet, but nothing of the system. */
export const setupProbe = `./look.sh '${JSON.stringify(systemAddresses)}'`;
/** Tests reach nothing. The address of the registry is one that setup reaches in every network. */
export const testProbe = `./look.sh '${JSON.stringify([
  ...systemAddresses,
  { host: '1.1.1.1', port: 443 },
  { host: 'registry.npmjs.org', port: 443 },
])}'`;
/** Something that would outlive its command, and leave a file for others. */
export const lingering =
  '(setsid sleep 4713 > /dev/null 2>&1 &); echo secret > /tmp/left; echo secret > /dev/shm/left; sleep 0.2; pgrep -f "sleep 4713" || grep -l 4713 /proc/[0-9]*/cmdline';
export const lookForLeftovers =
  'ls /tmp/left /dev/shm/left 2>/dev/null && exit 1; ! grep -aq "sleep.4713" $(ls -d /proc/[0-9]*/cmdline | grep -v "/$$/") 2>/dev/null';
