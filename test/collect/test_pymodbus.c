/* SPDX-License-Identifier: Apache-2.0 */
/* A Modbus server that is not ours: pymodbus, with a register map full of holes. */
#include "field.h"
#include "program.h"

#include <stdio.h>

#define PYTHON "/usr/bin/python3"

static const char script[] =
    "import sys\n"
    "from pymodbus.datastore import ModbusSparseDataBlock, ModbusSlaveContext, "
    "ModbusServerContext\n"
    "from pymodbus.server import StartTcpServer\n"
    "from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer\n"
    "values = {10: 215, 11: 180, 13: 65336, 100: 7, 2059: 65, 2060: 266, 2061: 1, 2062: 258}\n"
    "block = ModbusSparseDataBlock(values)\n"
    "slave = ModbusSlaveContext(hr=block, ir=block, zero_mode=True)\n"
    "context = ModbusServerContext(slaves={2: slave}, single=False)\n"
    "framer = ModbusRtuFramer if sys.argv[2] == 'rtu' else ModbusSocketFramer\n"
    "print('starting', flush=True)\n"
    "StartTcpServer(context=context, address=('127.0.0.1', int(sys.argv[1])), framer=framer, "
    "allow_reuse_address=True)\n";

struct server {
    struct program program;
    uint16_t port;
};

static bool server_start(struct server *server, const char *framing)
{
    program_prepare(&server->program);
    server->port = (uint16_t)program_free_port();
    char path[128];
    char port[8];
    program_text(path, sizeof(path), "%s", program_path(&server->program, "server.py"));
    program_text(port, sizeof(port), "%u", server->port);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(script, file);
    fclose(file);
    char kind[8];
    program_text(kind, sizeof(kind), "%s", framing);
    char *argv[] = {(char[]){PYTHON}, path, port, kind, NULL};
    program_start(&server->program, argv);
    return program_wait_for(&server->program, "starting");
}

static void check(void **state)
{
    const char *framing = *state;
    struct server server;
    if (!server_start(&server, framing)) {
        program_stop(&server.program);
        TEST_SKIP("python3-pymodbus 3.0 is not installed");
    }
    struct field *field = field_create_real();
    struct hyp_line line = field_line(
        1, strcmp(framing, "rtu") == 0 ? HYP_LINE_MODBUS_RTU_TCP : HYP_LINE_MODBUS_TCP,
        server.port);
    line.timeout_ms = 60000; /* it answers when it gets the processor */
    assert_int_equal(hyp_collector_set_line(field->collector, &line), HYP_OK);
    struct hyp_device device = field_modbus_device(7, 1, 2);
    device.schedule.kind = HYP_SCHEDULE_NONE;
    assert_int_equal(hyp_collector_set_device(field->collector, &device), HYP_OK);
    hyp_device_id id = {7};
    struct hyp_job job = {.state = HYP_JOB_ERROR};
    /* It listens some moments after it has said that it starts; nobody refuses from then on. */
    while (job.state == HYP_JOB_ERROR &&
           (job.id.id == 0 || field_line_state(field, 1).link == HYP_LINK_FAILED)) {
        hyp_job_id number;
        struct hyp_error err;
        assert_int_equal(
            hyp_collector_read(field->collector, &id, 1, HYP_PRIORITY_MANUAL, &number, &err),
            HYP_OK);
        job = field_until_finished(field, number);
    }
    assert_int_equal(job.state, HYP_JOB_DONE);
    const struct field_reading *reading = &field->sink.readings[0];
    field_assert_decimal(reading, "flow_temperature", "21.5");
    field_assert_decimal(reading, "return_temperature", "18.0");
    field_assert_decimal(reading, "room_temperature", "-20.0");
    field_assert_decimal(reading, "heat_curve_slope", "7");
    assert_null(field_value(reading, "outdoor_temperature"));
    assert_int_equal(field->holes_learned, 1);
    struct hyp_scan scan = {.line = {1}, .first = 2, .last = 2};
    hyp_job_id scan_id;
    assert_int_equal(hyp_collector_scan(field->collector, &scan, &scan_id, NULL), HYP_OK);
    assert_int_equal(field_until_finished(field, scan_id).found, 1);
    field_destroy(field);
    program_stop(&server.program);
}

int main(void)
{
    if (!program_exists(PYTHON)) {
        return test_list_skip(PYTHON " is not installed");
    }
    static struct test_list list;
    test_list_add(&list, "pymodbus over TCP", check, "tcp");
    test_list_add(&list, "pymodbus, RTU over TCP", check, "rtu");
    return test_list_run(&list, "pymodbus");
}
