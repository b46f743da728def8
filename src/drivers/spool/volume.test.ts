import { expect, test } from 'vitest';
import { volumeIn, volumeOf } from './volume.ts';

const container = `
21 20 0:20 / / rw,relatime - overlay overlay rw,lowerdir=/a
22 21 0:21 / /dev/shm rw - tmpfs shm rw
23 21 8:1 /volumes/x /var/lib/dataquarantine/spool rw master:1 - ext4 /dev/sda1 rw
24 21 8:1 /volumes/y /mnt/with\\040space rw - xfs /dev/sda1 rw
25 21 8:1 / /mnt/hidden rw - ext4 /dev/sda1 rw
26 21 0:9 / /mnt/hidden rw - tmpfs tmpfs rw
27 21 8:1 /var/lib/containerd/io.containerd.grpc.v1.cri/containers/3f/volumes/9a /mnt/image rw - ext4 /dev/sda1 rw
28 21 8:1 /var/lib/kubelet/pods/7c/volumes/kubernetes.io~empty-dir/spool /mnt/empty rw - ext4 /dev/sda1 rw
29 21 8:1 /var/lib/docker/volumes/${'0f'.repeat(32)}/_data /mnt/anonymous rw - ext4 /dev/sda1 rw
30 21 8:1 /var/lib/docker/volumes/dq-spool/_data /mnt/named rw - ext4 /dev/sda1 rw
31 21 8:2 / /mnt/claim rw - ext4 /dev/sdb rw
`;

test.each([
  ['/app/spool', 'overlay', "a container's own layer"],
  ['/var/lib/dataquarantine/spool', 'ext4', null],
  ['/var/lib/dataquarantine/spool/instance-0', 'ext4', null],
  ['/var/lib/dataquarantine/spoolish', 'overlay', "a container's own layer"],
  ['/dev/shm/spool', 'tmpfs', 'memory'],
  ['/mnt/with space/spool', 'xfs', null],
  ['/mnt/hidden/spool', 'tmpfs', 'memory'],
  ['/mnt/image', 'ext4', "containerd's folder for an image's VOLUME"],
  ['/mnt/empty/spool', 'ext4', "a pod's emptyDir"],
  ['/mnt/anonymous/spool', 'ext4', 'an anonymous volume'],
  ['/mnt/named/spool', 'ext4', null],
  ['/mnt/claim/spool', 'ext4', null],
])('%s lies on %s', (path, fileSystem, passing) => {
  expect(volumeIn(container, path)).toMatchObject({ fileSystem, passing });
});

test.each([
  ['/', true, "a container's own layer"],
  ['/', false, null],
  ['/etc/hosts', false, "a container's own layer"],
])('a root on btrfs that is a container by its mount of %s (or by its marks: %s) is its own layer', (mountPoint, contained, passing) => {
  const table = `21 20 0:20 /subvolumes/a / rw - btrfs /dev/sda1 rw\n22 21 8:1 /x ${mountPoint} rw - btrfs /dev/sda1 rw\n23 21 8:2 / /data rw - ext4 /dev/sdb rw`;
  expect(volumeIn(table, '/app/spool', contained)?.passing).toBe(passing);
  expect(volumeIn(table, '/data/spool', contained)?.passing).toBeNull();
});

test('a folder that is not there yet lies where it would be made', async () => {
  expect(await volumeOf('/dev/shm/not/there/yet')).toMatchObject({ fileSystem: 'tmpfs', passing: 'memory' });
});
