/*
 * Sends events at an even rate and reads them back from the valid topic, in one process and on one clock:
 * `latency-probe BROKERS FROM TO PARTITIONS RATE SECONDS EVENT`. EVENT holds an `event_id` of twenty zeros, which becomes the
 * microsecond of sending. What is due goes out every millisecond, into one partition at a time, as a Java producer's does.
 * Prints one line with the quantiles of the time between; the first fifth is left out, because it meets cold code.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static const char *const consumer_settings[] = {"group.id", "bench-probe", "enable.auto.commit", "false", "fetch.wait.max.ms", "100", NULL};
static const char *const producer_settings[] = {"acks", "all", "linger.ms", "0", "queue.buffering.max.messages", "1000000",
                                                "delivery.report.only.error", "true", NULL};
static const char stamp_before[] = "\"event_id\":\"";
enum { stamp_digits = 20 };
static const double warm_up = 0.2;
static const int last_wait_ms = 10000;

static const char *brokers, *to;
static int partitions;
static long events;
static atomic_long seen = 0;
static int64_t started_micros, counted_from_micros;
static double *latencies_ms;
static long latencies_count = 0;

static void take(const rd_kafka_message_t *message) {
  const char *at = memmem(message->payload, message->len, stamp_before, sizeof stamp_before - 1);
  if (!at || seen == events) fail("probe", "a record came back that was not sent");
  int64_t sent_micros = strtoll(at + sizeof stamp_before - 1, NULL, 10);
  seen++;
  if (sent_micros >= counted_from_micros) latencies_ms[latencies_count++] = (micros_of(CLOCK_MONOTONIC) - sent_micros) / 1e3;
}

static void *read_back(void *nothing) {
  rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER, brokers, consumer_settings);
  assign_all(consumer, to, partitions);
  while (!stopping) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 50);
    if (!message) continue;
    if (message->err) fail("consume", rd_kafka_message_errstr(message));
    take(message);
    rd_kafka_message_destroy(message);
  }
  return nothing;
}

static void send_all(rd_kafka_t *producer, rd_kafka_topic_t *from, char *event, long rate) {
  size_t length = strlen(event);
  char *stamp = strstr(event, stamp_before);
  if (!stamp) fail("probe", "the event has no event_id");
  stamp += sizeof stamp_before - 1;
  long tick = 0;
  for (long sent = 0; sent < events && !stopping; tick++) {
    long due = (micros_of(CLOCK_MONOTONIC) - started_micros) * rate / 1000000;
    for (; sent < due && sent < events; sent++) {
      char digits[stamp_digits + 1], key[32];
      snprintf(digits, sizeof digits, "%020lld", (long long)micros_of(CLOCK_MONOTONIC));
      memcpy(stamp, digits, stamp_digits);
      int key_bytes = snprintf(key, sizeof key, "USER%06ld", sent % 1000000);
      while (rd_kafka_produce(from, tick % partitions, RD_KAFKA_MSG_F_COPY, event, length, key, key_bytes, NULL))
        rd_kafka_poll(producer, 1);
    }
    rd_kafka_poll(producer, 0);
    usleep(1000);
  }
}

static int by_value(const void *a, const void *b) {
  double one = *(const double *)a, other = *(const double *)b;
  return (one > other) - (one < other);
}

static double quantile(double share) {
  long at = (long)(latencies_count * share);
  return latencies_count == 0 ? -1 : latencies_ms[at < latencies_count ? at : latencies_count - 1];
}

int main(int count, char **words) {
  if (count != 8) fail("usage", "latency-probe BROKERS FROM TO PARTITIONS RATE SECONDS EVENT");
  brokers = words[1], to = words[3], partitions = atoi(words[4]);
  long rate = atol(words[5]), seconds = atol(words[6]);
  events = rate * seconds;
  latencies_ms = malloc(sizeof *latencies_ms * events);
  stop_at_signals();
  rd_kafka_t *producer = open_client(RD_KAFKA_PRODUCER, brokers, producer_settings);
  rd_kafka_topic_t *from = open_topic(producer, words[2]);
  started_micros = micros_of(CLOCK_MONOTONIC);
  counted_from_micros = started_micros + (int64_t)(seconds * 1e6 * warm_up);
  pthread_t reading;
  pthread_create(&reading, NULL, read_back, NULL);
  send_all(producer, from, words[7], rate);
  for (int waited_ms = 0; seen < events && waited_ms < last_wait_ms; waited_ms++) usleep(1000);
  stopping = 1;
  pthread_join(reading, NULL);
  qsort(latencies_ms, latencies_count, sizeof *latencies_ms, by_value);
  printf("{\"msg\":\"measured\",\"sent\":%ld,\"seen\":%ld,\"p50Ms\":%.3f,\"p95Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f}\n", events, (long)seen,
         quantile(0.5), quantile(0.95), quantile(0.99), quantile(1));
  fflush(stdout);
  _exit(0);
}
