import { closeSync, constants, open } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { promisify } from 'node:util';

/** Holds a folder for this process until it is released or the process ends, however it ends. */
export interface FolderLock {
  /** Is it still ours? Another process may have taken it for one left behind; what it reads it reads after this turned false. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

const settleMs = 50;

/** The number alone: a FileHandle that nobody closes ends the process. */
const openFile = promisify(open);

/**
 * Takes the folder, or gives null if another holder has it. The lock is a listening socket in the folder: the kernel closes it with
 * its process, so a crash leaves no lock behind, and process numbers, which containers share, do not matter. It holds on one
 * machine; folders shared between machines must not be shared between instances. Of several processes that take over a lock left behind by a
 * crash, one that was stopped in the midst of it can take the lock from the winner: whoever writes asks `isHeld` before it believes that what
 * it wrote will be found. Throws what the file system says.
 */
export async function lockFolder(dir: string): Promise<FolderLock | null> {
  const folder = await openFile(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  // The name of a socket has at most 107 bytes; this one is short however deep the folder lies.
  const path = `/proc/self/fd/${folder}/lock`;
  try {
    const server = (await listen(path)) ?? (await takeOver(path, folder));
    if (server) return await lockOf(server, path, folder);
  } catch (error) {
    closeSync(folder);
    throw error;
  }
  return null;
}

async function lockOf(server: Server, path: string, folder: number): Promise<FolderLock> {
  const inodeOf = async () => (await stat(path).catch(ignoreMissing))?.ino ?? null;
  const inode = await inodeOf();
  const isHeld = async () => inode !== null && (await inodeOf()) === inode;
  return {
    isHeld,
    release: async () => {
      // A socket that is closed removes its name, which may be another's by now; without the folder it does not find it.
      const isOurs = await isHeld();
      if (!isOurs) closeSync(folder);
      await close(server);
      if (isOurs) closeSync(folder);
    },
  };
}

/** The socket is there, but does its holder live? If not, it is replaced. Of several that replace it at once, the last one wins. */
async function takeOver(path: string, folder: number): Promise<Server | null> {
  if (!(await answers(path))) {
    await unlink(path).catch(ignoreMissing);
    const server = await listen(path);
    if (server) {
      const before = await stat(path).catch(ignoreMissing);
      await new Promise((resolve) => setTimeout(resolve, settleMs));
      const after = await stat(path).catch(ignoreMissing);
      if (before && before.ino === after?.ino) return server;
      // A socket that is closed removes its name, which is another's by now; without the folder it does not find it.
      closeSync(folder);
      await close(server);
      return null;
    }
  }
  closeSync(folder);
  return null;
}

/** Null where there is a socket of that name already. */
function listen(path: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(path, () => resolve(server));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // A holder whose line of callers is full lives, too.
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function ignoreMissing(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
  throw error;
}
