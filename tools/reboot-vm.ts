/**
 * Runs the packed command in a virtual machine that really reboots. Tasks of a suite ask for reboots, each of which resets the machine at once, without
 * writing anything to its disk before; every boot continues the run. The processor is emulated. At the end all tasks must have passed, in as many boots as were asked for.
 *
 * pnpm run pack && node tools/reboot-vm.ts --kernel FILE --modules DIR
 *
 * FILE is the image of a Linux kernel for x86-64 with ext4, such as that of Debian's linux-image-cloud-amd64, DIR the folder of its modules. Needs
 * qemu-system-x86_64, mkfs.ext4, cpio, npm and a busybox that is linked statically. Where one of these is missing it says so, and does nothing.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { published, ROOT } from '../tidy/sources.ts';

const { values } = parseArgs({ options: { kernel: { type: 'string' }, modules: { type: 'string' } } });
const timeoutMs = 15 * 60_000;
/** One to start with, two for the module, one for the program. */
const expectedBoots = 4;

const suite: Readonly<Record<string, string>> = {
  'pexen.config.mjs': `
    import { defineSuite, executables, modules } from 'pexen';
    export default defineSuite({
      from: { module: modules({ file: 'tasks.mjs' }), program: executables({ dir: '.', include: ['*.sh'] }) },
      rebootCommand: 'echo b > /proc/sysrq-trigger',
    });`,
  'tasks.mjs': `
    import { readFileSync } from 'node:fs';
    import { key, task } from 'pexen';
    const boot = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const firstBoot = key('first boot');
    export const before = task({ provides: [firstBoot] }, ({ set }) => set(firstBoot, boot()));
    export const upgrade = task({ requires: [firstBoot], mayReboot: true, timeout: 600_000 }, ({ get, reboot, rebootCount }) => {
      if (rebootCount < 2) reboot();
      if (get(firstBoot) === boot()) throw new Error('the machine has not rebooted');
      return rebootCount;
    });
    export const after = task({ requires: [firstBoot], after: [upgrade] }, ({ get }) => {
      if (get(firstBoot) === boot()) throw new Error('what was provided before the reboots was provided again');
    });`,
  'again.sh': `#!/bin/sh
# pexen: { mayReboot: true, timeout: 600s }
[ "$PEXEN_REBOOT_COUNT" = 0 ] && exit 102
exit 0
`,
};

/** The first program of the machine, in each boot. */
const init = `#!/bin/sh
export PATH=/bin:/sbin:/usr/bin HOME=/root NO_COLOR=1
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmp /tmp
echo 1 > /proc/sys/kernel/sysrq
cd /suite
echo "guest: boot $(cat /proc/sys/kernel/random/boot_id)"
if [ -e .pexen/resume-pending ]; then set -- resume --pending; else set -- run; fi
node node_modules/pexen/bin/pexen.js "$@"
echo "guest: pexen $1 ended with exit code $?"
node node_modules/pexen/bin/pexen.js runs
poweroff -f
`;

/** Runs in memory, until the disk is there. */
const initramfs = `#!/bin/sh
mount -t proc proc /proc; mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod $module; done
mount -t ext4 /dev/vda /disk
mount -t devtmpfs dev /disk/dev
umount /proc
exec switch_root /disk /sbin/init
`;

/** In the order in which they are loaded. Kernels that have them built in have no such files. */
const moduleNames = [
  'virtio',
  'virtio_ring',
  'virtio_pci_modern_dev',
  'virtio_pci_legacy_dev',
  'virtio_pci',
  'virtio_blk',
];

process.exitCode = await main();

async function main(): Promise<number> {
  const missing = missingTools();
  if (missing.length > 0) {
    console.log(`skipped: ${missing.join(', ')} missing`);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'pexen-vm-'));
  try {
    makeDisk(folder);
    makeInitramfs(folder);
    return judge(await boot(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function missingTools(): readonly string[] {
  const programs = ['qemu-system-x86_64', 'mkfs.ext4', 'cpio', 'npm', 'busybox'];
  const { kernel = '', modules = '' } = values;
  return [
    ...programs.filter((name) => whereIs(name) === undefined),
    ...(existsSync(kernel) ? [] : ['--kernel FILE']),
    ...(existsSync(modules) ? [] : ['--modules DIR']),
    ...(existsSync(join(ROOT, 'apps/pexen/pkg.tgz')) ? [] : ['the packed packages (pnpm run pack)']),
  ];
}

function whereIs(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.map((each) => join(each, name)).find((file) => existsSync(file));
}

/** A disk with busybox, Node, the suite and the packed command. */
function makeDisk(folder: string): void {
  const root = join(folder, 'root');
  for (const name of ['bin', 'sbin', 'usr/bin', 'proc', 'sys', 'dev', 'tmp', 'root', 'etc', 'suite'])
    mkdirSync(join(root, name), { recursive: true });
  installBusybox(root);
  copyProgram(process.execPath, join(root, 'usr/bin/node'), root);
  writeProgram(join(root, 'sbin/init'), init);
  for (const [name, text] of Object.entries(suite)) writeProgram(join(root, 'suite', name), text);
  writeFileSync(join(root, 'suite/package.json'), '{ "type": "module" }');
  const tarballs = published()
    .map(({ dir }) => join(ROOT, dir, 'pkg.tgz'))
    .filter((file) => existsSync(file));
  const options = [
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
    '--omit=optional',
    '--omit=peer',
  ];
  execFileSync('npm', ['install', ...options, ...tarballs], { cwd: join(root, 'suite'), stdio: 'inherit' });
  const disk = join(folder, 'disk');
  execFileSync('mkfs.ext4', ['-q', '-d', root, disk, '1500M'], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
}

function makeInitramfs(folder: string): void {
  const root = join(folder, 'initramfs');
  for (const name of ['bin', 'proc', 'dev', 'disk', 'modules'])
    mkdirSync(join(root, name), { recursive: true });
  installBusybox(root);
  writeProgram(join(root, 'init'), initramfs);
  for (const [at, name] of moduleNames.entries())
    for (const file of globSync(join(values.modules ?? '', `**/${name}.ko`)))
      copyFileSync(file, join(root, 'modules', `${at}-${basename(file)}`));
  execFileSync('sh', ['-c', 'find . | cpio --quiet -o -H newc > ../initrd'], { cwd: root });
}

/** Copies a program and the libraries that it needs to the same places. */
function copyProgram(from: string, to: string, root: string): void {
  copyFileSync(from, to);
  for (const [, library = ''] of execFileSync('ldd', [to], { encoding: 'utf8' }).matchAll(
    /(\/\S+\.so\S*)/g,
  )) {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
}

function installBusybox(root: string): void {
  copyFileSync(whereIs('busybox') ?? '', join(root, 'bin/busybox'));
  const names = execFileSync('busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const name of names.filter((each) => each !== 'busybox'))
    symlinkSync('busybox', join(root, 'bin', name));
}

function writeProgram(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

/** Everything that the machine prints, from its first boot until it is switched off. */
function boot(folder: string): Promise<string> {
  const qemu = spawn(
    'qemu-system-x86_64',
    [
      ...[
        '-nographic',
        '-no-user-config',
        '-nodefaults',
        '-serial',
        'stdio',
        '-m',
        '1500',
        '-cpu',
        'max',
        '-nic',
        'none',
      ],
      // Not KVM: where it is nested, it may hang.
      ...['-accel', 'tcg'],
      ...['-kernel', values.kernel ?? '', '-initrd', join(folder, 'initrd')],
      ...['-append', 'console=ttyS0 quiet panic=1'],
      ...['-drive', `file=${join(folder, 'disk')},if=virtio,format=raw,cache=writethrough`],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const timer = setTimeout(() => qemu.kill('SIGKILL'), timeoutMs);
  let printed = '';
  qemu.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    process.stdout.write(text);
  });
  return new Promise((resolve, reject) => {
    qemu.on('error', reject);
    qemu.on('close', () => {
      clearTimeout(timer);
      resolve(printed);
    });
  });
}

function judge(printed: string): number {
  const boots = new Set([...printed.matchAll(/guest: boot (\S+)/g)].map(([, id]) => id)).size;
  const [, exitCode] = /guest: pexen resume ended with exit code (\d+)/.exec(printed) ?? [];
  const hasPassed = /4 tasks: 4 passed/.test(printed);
  const isRight = boots === expectedBoots && exitCode === '0' && hasPassed;
  console.log(
    `${boots} boots (${expectedBoots} expected), exit code ${exitCode}: ${isRight ? 'right' : 'WRONG'}`,
  );
  return isRight ? 0 : 1;
}
