/** What is known about the environment, for the `when` of tasks. Only the types are here; `systemFacts` of `@pexen/factory` reads them. */

/** The facts that every suite has. Each is determined when it is first read. */
export interface StandardFacts {
  /** As `process.platform`: `linux`, `darwin`. */
  readonly platform: string;
  /** As `process.arch`: `x64`, `arm64`. */
  readonly arch: string;
  /** Is this a run in continuous integration (`CI` is set)? */
  readonly ci: boolean;
  readonly os: OsFacts;
  readonly kernel: KernelFacts;
  readonly user: UserFacts;
  readonly memory: MemoryFacts;
  /** How many processors may be used. */
  readonly cpus: number;
  /** The container that this process is in, as far as it is known: `docker`, `podman`, `kubernetes`, `lxc`; `''` for none. */
  readonly container: string;
  /** The environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file system that a path is on; of a path that does not exist, that of the nearest directory above. Relative paths start at the root of the suite. */
  readonly disk: (path: string) => DiskFacts;
  /** Is there a program of this name on PATH, or an executable file at this absolute path? */
  readonly hasProgram: (name: string) => boolean;
  /** Does a file or directory exist? Relative paths start at the root of the suite. */
  readonly hasFile: (path: string) => boolean;
  /** Is a module of the Linux kernel loaded, or built in? False on other systems. */
  readonly hasKernelModule: (name: string) => boolean;
}

/** The operating system or distribution. Texts are empty where they are unknown. */
export interface OsFacts {
  /** `debian`, `ubuntu`, `fedora`, `macos`, `freebsd`: on Linux the ID in os-release(5). */
  readonly id: string;
  /** `12`, `24.04`. */
  readonly version: string;
  /** The distributions that it is made from: `['debian']` on Ubuntu. */
  readonly like: readonly string[];
}

export interface KernelFacts {
  /** `Linux`, `Darwin`. */
  readonly name: string;
  /** `6.12.41-amd64`. */
  readonly release: string;
}

/** The user that runs pexen. Ids are -1 where the system has none. */
export interface UserFacts {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly isRoot: boolean;
}

/** Memory, MiB. The limits of a container count. */
export interface MemoryFacts {
  readonly totalMb: number;
  readonly availableMb: number;
}

/** A file system, MiB. `freeMb` is what this user may use. */
export interface DiskFacts {
  readonly totalMb: number;
  readonly freeMb: number;
}

/** Facts as they are given to a run: those that its tasks ask for. */
export type GivenFacts = Readonly<Record<string, unknown>>;

/** Facts as `when` gets them: in a suite the standard ones and its own; in a run of your own, those that you give to it. */
export type Facts = StandardFacts & GivenFacts;
