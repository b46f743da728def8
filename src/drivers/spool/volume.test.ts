import { expect, test } from 'vitest';
import { volumeIn, volumeOf } from './volume.ts';

const container = `
21 20 0:20 / / rw,relatime - overlay overlay rw,lowerdir=/a
22 21 0:21 / /dev/shm rw - tmpfs shm rw
23 21 8:1 /volumes/x /var/lib/dataquarantine/spool rw master:1 - ext4 /dev/sda1 rw
24 21 8:1 /volumes/y /mnt/with\\040space rw - xfs /dev/sda1 rw
25 21 8:1 / /mnt/hidden rw - ext4 /dev/sda1 rw
26 21 0:9 / /mnt/hidden rw - tmpfs tmpfs rw
`;

test.each([
  ['/app/spool', 'overlay', "a container's own layer"],
  ['/var/lib/dataquarantine/spool', 'ext4', null],
  ['/var/lib/dataquarantine/spool/instance-0', 'ext4', null],
  ['/var/lib/dataquarantine/spoolish', 'overlay', "a container's own layer"],
  ['/dev/shm/spool', 'tmpfs', 'memory'],
  ['/mnt/with space/spool', 'xfs', null],
  ['/mnt/hidden/spool', 'tmpfs', 'memory'],
])('%s lies on %s', (path, fileSystem, passing) => {
  expect(volumeIn(container, path)).toMatchObject({ fileSystem, passing });
});

test('a folder that is not there yet lies where it would be made', async () => {
  expect(await volumeOf('/dev/shm/not/there/yet')).toMatchObject({ fileSystem: 'tmpfs', passing: 'memory' });
});
