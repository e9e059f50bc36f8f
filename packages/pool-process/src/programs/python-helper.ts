/**
 * A spawn helper in Python, for Linux machines that have one: a new process can share its memory (vfork)
 * instead of copying it, which Node cannot do, so programs start in half the time. It exchanges the same messages as the helper in Node.
 */
import { existsSync } from 'node:fs';
import type { Command } from '../child-connection.ts';
import { isLinux } from '../platform.ts';

/** Where distributions install it. A Python on the PATH may be anything, and slow. */
const places: readonly string[] = ['/usr/bin/python3', '/usr/local/bin/python3'];

/** Its command line; undefined without Python or Linux. */
export function pythonHelper(): Command | undefined {
  const command = isLinux ? places.find((place) => existsSync(place)) : undefined;
  return command === undefined ? undefined : { command, argv: ['-I', '-S', '-c', script] };
}

/** NotImplementedError and AttributeError mean that this Python lacks the feature: it exits, and another helper is used. */
const script = `
import base64, errno, json, os, resource, select, signal, struct

base, raw, limit, running, buffer = {}, [], None, {}, b''
own_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
null = os.open('/dev/null', os.O_RDONLY)
for fd in (3, 4): os.set_inheritable(fd, False)
woken, wake = os.pipe()
for fd in (woken, wake): os.set_blocking(fd, False)
signal.set_wakeup_fd(wake)
signal.signal(signal.SIGCHLD, lambda *_: None)

def say(message):
    content = json.dumps(message).encode()
    frame = b'\\xa7' + struct.pack('<I', len(content)) + content
    while frame: frame = frame[os.write(4, frame):]

def spawn(file, argv, env, fds):
    actions = [(os.POSIX_SPAWN_DUP2, fd, at) for at, fd in enumerate([null, *fds])]
    return os.posix_spawn(file, argv, env, file_actions=actions, setsid=True, setsigmask=[],
                          setsigdef=[signal.SIGPIPE, signal.SIGXFSZ])

def limited(file, argv, env, fds):
    if limit is None: return spawn(file, argv, env, fds)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, own_limit[1]))
    try: return spawn(file, argv, env, fds)
    finally: resource.setrlimit(resource.RLIMIT_NOFILE, own_limit)

def set_base(order):
    global base, raw, limit
    base, raw, wanted = order['env'], [], order['openFiles']
    for each in order['raw']: raw.append((each['name'], *base64.b64decode(each['entry']).split(b'=', 1)))
    soft, hard = own_limit
    if wanted is not None and hard != resource.RLIM_INFINITY: wanted = min(wanted, hard)
    limit = None if wanted is None or wanted == soft else wanted

def start(order):
    number, file, fds = order['id'], order['file'], []
    try:
        for path in order['files']: fds.append(os.open(path, os.O_WRONLY | os.O_APPEND))
        env = {**base, **order['env']}
        env = {name: value for name, value in env.items() if value is not None}
        for name, key, value in raw:
            if name not in order['env']: env[key] = value
        os.chdir(order['cwd'])
        try:
            pid = limited(file, [file, *order['argv']], env, fds)
        except OSError as error:
            if error.errno != errno.ENOEXEC: raise
            pid = limited('/bin/sh', ['/bin/sh', file, *order['argv']], env, fds)
    except (OSError, ValueError) as error:
        code = errno.errorcode.get(getattr(error, 'errno', None), '')
        say({'is': 'refused', 'id': number, 'code': code, 'message': str(error)})
        return
    finally:
        for fd in fds: os.close(fd)
    running[pid] = number
    say({'is': 'running', 'id': number, 'pid': pid})

def reap():
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0: return
        number = running.pop(pid, None)
        if number is None: continue
        if os.WIFSIGNALED(status):
            say({'is': 'ended', 'id': number, 'exitCode': None, 'signal': os.WTERMSIG(status)})
        else:
            say({'is': 'ended', 'id': number, 'exitCode': os.WEXITSTATUS(status), 'signal': None})

def obey(order):
    if order['do'] == 'base': set_base(order)
    else: start(order)

def end_with_host():
    for pid in running:
        try: os.killpg(pid, signal.SIGKILL)
        except OSError: pass
    os._exit(0)

while True:
    ready, _, _ = select.select([3, woken], [], [])
    if woken in ready:
        os.read(woken, 4096)
        reap()
    if 3 in ready:
        chunk = os.read(3, 65536)
        if not chunk: end_with_host()
        buffer += chunk
        while len(buffer) >= 5:
            end = 5 + struct.unpack('<I', buffer[1:5])[0]
            if len(buffer) < end: break
            order, buffer = json.loads(buffer[5:end]), buffer[end:]
            obey(order)
`;
