{
  # Two addons: the lane reads and writes Kafka beside the official client; the judge reads JSON in the worker threads.
  # Built by scripts/setup/native.mjs; found by src/native/index.ts.
  'variables': {
    'simdjson%': '<!(node -p "require(\'path\').dirname(require.resolve(\'@nozbe/simdjson/package.json\')) + \'/src\'")',
    'librdkafka%': '<!(node -p "require(\'path\').dirname(require.resolve(\'@confluentinc/kafka-javascript/package.json\')) + \'/build/deps\'")',
    # The client's prebuilt form holds librdkafka inside of itself: then there is nothing to link against, and no lane.
    'has_librdkafka%': '<!(node -p "Number(require(\'fs\').existsSync(require(\'path\').dirname(require.resolve(\'@confluentinc/kafka-javascript/package.json\')) + \'/build/deps/librdkafka.so.1\'))")',
  },
  'target_defaults': {
    'defines': ['NAPI_VERSION=8'],
    'cflags!': ['-O3'],
    'cflags': ['-O2', '-fvisibility=hidden', '-Wall', '-Wextra'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
    'cflags_cc': ['-std=c++17'],
  },
  'targets': [
    {
      'target_name': 'simdjson',
      'type': 'static_library',
      'include_dirs': ['<(simdjson)'],
      'sources': ['cc/simdjson.cc'],
      'cflags': ['-fPIC'],
      'cflags!': ['-Wall', '-Wextra'],
    },
    {
      'target_name': 'judge',
      'dependencies': ['simdjson'],
      'include_dirs': ['<(simdjson)'],
      'sources': ['cc/judge.cc', 'cc/catalog.cc', 'cc/program.cc', 'cc/evaluate.cc', 'cc/census.cc', 'cc/pattern.cc', 'cc/formats.cc', 'cc/test-doors.cc'],
    },
  ],
  'conditions': [
    ['has_librdkafka==1', {
      'targets': [
        {
          'target_name': 'lane',
          'cflags': ['-isystem', '<(librdkafka)/include'],
          'sources': [
            'cc/lane/acknowledgements.cc',
            'cc/lane/clients.cc',
            'cc/lane/headers.cc',
            'cc/lane/lane.cc',
            'cc/lane/publisher-exports.cc',
            'cc/lane/publisher.cc',
            'cc/lane/source-exports.cc',
            'cc/lane/source.cc',
          ],
          'libraries': ['-L<(librdkafka)', '-Wl,-rpath,<(librdkafka)', '-l:librdkafka.so.1'],
        },
      ],
    }],
  ],
}
