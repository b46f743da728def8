/* What both programs share: settings that must hold, two clocks, and the word to stop. */
#ifndef DATAQUARANTINE_BENCH_H
#define DATAQUARANTINE_BENCH_H

#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile sig_atomic_t stopping = 0;

static void stop(int signal) {
  (void)signal;
  stopping = 1;
}

static void stop_at_signals(void) {
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
}

static int64_t micros_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

/* A message that the broker refused for good would otherwise be missing in silence. */
static void on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client;
  (void)opaque;
  if (message->err) fail("a message was not delivered", rd_kafka_err2str(message->err));
}

/* A client with the settings of the list: names and values in turn, NULL at the end. */
static rd_kafka_t *open_client(rd_kafka_type_t type, const char *brokers, const char *const *settings) {
  char why[512];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof why)) fail("bootstrap.servers", why);
  for (; *settings; settings += 2)
    if (rd_kafka_conf_set(conf, settings[0], settings[1], why, sizeof why)) fail(settings[0], why);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, on_report);
  rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
  if (!client) fail("librdkafka", why);
  if (type == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(client);
  return client;
}

/* Connects before anything is measured, and knows the topic's leader from then on. */
static rd_kafka_topic_t *open_topic(rd_kafka_t *client, const char *name) {
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
  const struct rd_kafka_metadata *metadata;
  rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, topic, &metadata, 15000);
  if (error) fail(name, rd_kafka_err2str(error));
  rd_kafka_metadata_destroy(metadata);
  return topic;
}

static void assign_all(rd_kafka_t *consumer, const char *topic, int partitions) {
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
  for (int partition = 0; partition < partitions; partition++)
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_resp_err_t error = rd_kafka_assign(consumer, list);
  if (error) fail(topic, rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_destroy(list);
}

#endif
