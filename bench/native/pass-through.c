/*
 * The limit: what librdkafka itself can do from topic to topic with nothing in between. Keeps partition, key, value, headers and
 * timestamp. `pass-through BROKERS FROM TO PARTITIONS MESSAGES` prints {"msg":"assigned"} and, when the broker has acknowledged the
 * last of so many messages, {"msg":"done"}, each with milliseconds since 1970; it stays until SIGTERM, so that its processor time
 * can still be read. With 0 messages it is the bare hop of the latency: message by message, until SIGTERM.
 */
#include "bench.h"
#include <string.h>
#include <unistd.h>

enum { batch_max = 10000 };

static const char *const consumer_for_rate[] = {
    "group.id", "bench-limit", "enable.auto.commit", "false",
    /* As much as librdkafka can be told to fetch ahead: the default stops fetching for a second whenever the queue is full. */
    "queued.max.messages.kbytes", "2097151", "queued.min.messages", "10000000", "fetch.queue.backoff.ms", "5",
    "fetch.message.max.bytes", "4194304", NULL};
static const char *const producer_for_rate[] = {
    "acks", "all", "linger.ms", "20", "batch.size", "1000000", "queue.buffering.max.messages", "1000000",
    "queue.buffering.max.kbytes", "2097151", "delivery.report.only.error", "true", NULL};
static const char *const consumer_for_latency[] = {"group.id", "bench-hop", "enable.auto.commit", "false", NULL};
static const char *const producer_for_latency[] = {"acks", "all", "linger.ms", "1", "delivery.report.only.error", "true", NULL};

static void say(const char *msg) {
  printf("{\"msg\":\"%s\",\"time\":%.3f}\n", msg, micros_of(CLOCK_REALTIME) / 1e3);
  fflush(stdout);
}

static void forward(rd_kafka_t *producer, rd_kafka_topic_t *to, const rd_kafka_message_t *message) {
  rd_kafka_headers_t *headers = NULL;
  int64_t timestamp = rd_kafka_message_timestamp(message, NULL);
  for (;;) {
    rd_kafka_headers_t *copy = rd_kafka_message_headers(message, &headers) ? NULL : rd_kafka_headers_copy(headers);
    rd_kafka_resp_err_t error = rd_kafka_producev(
        producer, RD_KAFKA_V_RKT(to), RD_KAFKA_V_PARTITION(message->partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE(message->payload, message->len), RD_KAFKA_V_KEY(message->key, message->key_len),
        RD_KAFKA_V_TIMESTAMP(timestamp), RD_KAFKA_V_HEADERS(copy), RD_KAFKA_V_END);
    if (!error) return;
    if (copy) rd_kafka_headers_destroy(copy);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail("produce", rd_kafka_err2str(error));
    rd_kafka_poll(producer, 10);
  }
}

static void run_batches(rd_kafka_t *consumer, rd_kafka_t *producer, rd_kafka_topic_t *to, long messages_max) {
  static rd_kafka_message_t *batch[batch_max];
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
  long forwarded = 0;
  while (forwarded < messages_max && !stopping) {
    ssize_t count = rd_kafka_consume_batch_queue(queue, 100, batch, batch_max);
    for (ssize_t index = 0; index < count; index++) {
      if (batch[index]->err) fail("consume", rd_kafka_message_errstr(batch[index]));
      forward(producer, to, batch[index]);
      rd_kafka_message_destroy(batch[index]);
    }
    forwarded += count > 0 ? count : 0;
    rd_kafka_poll(producer, 0);
  }
  rd_kafka_queue_destroy(queue);
}

static void run_flow(rd_kafka_t *consumer, rd_kafka_t *producer, rd_kafka_topic_t *to) {
  while (!stopping) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 50);
    if (!message) continue;
    if (message->err) fail("consume", rd_kafka_message_errstr(message));
    forward(producer, to, message);
    rd_kafka_message_destroy(message);
    rd_kafka_poll(producer, 0);
  }
}

int main(int count, char **words) {
  if (count != 6) fail("usage", "pass-through BROKERS FROM TO PARTITIONS MESSAGES");
  const char *brokers = words[1], *from = words[2];
  long messages_max = atol(words[5]);
  int is_flow = messages_max == 0;
  stop_at_signals();
  rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER, brokers, is_flow ? consumer_for_latency : consumer_for_rate);
  rd_kafka_t *producer = open_client(RD_KAFKA_PRODUCER, brokers, is_flow ? producer_for_latency : producer_for_rate);
  rd_kafka_topic_destroy(open_topic(consumer, from));
  rd_kafka_topic_t *to = open_topic(producer, words[3]);
  say("assigned");
  assign_all(consumer, from, atoi(words[4]));
  if (is_flow) run_flow(consumer, producer, to);
  else run_batches(consumer, producer, to, messages_max);
  rd_kafka_resp_err_t error = rd_kafka_flush(producer, 60000);
  if (error) fail("flush", rd_kafka_err2str(error));
  say("done");
  while (!stopping) usleep(10000);
  /* Gigabytes of prefetch need not be freed one by one. */
  fflush(stdout);
  _exit(0);
}
