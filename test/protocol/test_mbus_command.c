/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the master to a meter in virtual time: addresses, baud rates, resets, data of the
 * caller.
 */
#include "support/mbus_bus.h"
#include "support/rows.h"

struct command_world {
    struct bus_meter meter;
    struct bus bus;
    struct hyp_mbus_link link;
    struct hyp_mbus_command command;
};

static void world_init(struct command_world *world)
{
    world->meter = (struct bus_meter){
        .address = "12345678.KAM.35.04", .primary = 5, .telegrams = {"04 06 05000000"}};
    bus_init(&world->bus, &world->meter, 1);
    hyp_mbus_link_init(&world->link, hyp_mbus_timing_for_baud(2400), 1);
}

static struct hyp_session_io run_command(struct command_world *world)
{
    return bus_run(&world->bus, &hyp_mbus_command_ops, &world->command);
}

static void check_set_address(void **state)
{
    (void)state;
    struct command_world world;
    struct hyp_mbus_target target = by_secondary("12345678");
    world_init(&world);
    assert_int_equal(hyp_mbus_command_set_address(&world.command, &world.link, &target, 17),
                     HYP_OK);
    assert_int_equal(run_command(&world).state, HYP_SESSION_DONE);
    assert_int_equal(world.meter.primary, 17);
    target = by_primary(17);
    assert_int_equal(hyp_mbus_command_set_address(&world.command, &world.link, &target, 18),
                     HYP_OK);
    assert_int_equal(run_command(&world).state, HYP_SESSION_DONE);
    assert_int_equal(world.meter.primary, 18);
    assert_int_equal(hyp_mbus_command_set_address(&world.command, &world.link, &target, 251),
                     HYP_INVALID);
}

static void check_repeated_commands_are_new(void **state)
{
    (void)state;
    struct command_world world;
    struct hyp_mbus_target target = by_primary(5);
    world_init(&world);
    for (unsigned round = 1; round <= 4; round++) {
        hyp_mbus_command_reset_application(&world.command, &world.link, &target, 0x50);
        assert_int_equal(run_command(&world).state, HYP_SESSION_DONE);
        assert_int_equal(world.meter.commands, round);
    }
    assert_int_equal(world.meter.application, 0x50);
}

/* The acknowledgement is lost: the repetition must not be carried out twice. */
static void check_lost_acknowledgement(void **state)
{
    (void)state;
    struct command_world world;
    struct hyp_mbus_target target = by_primary(5);
    world_init(&world);
    hyp_mbus_command_reset_application(&world.command, &world.link, &target, -1);
    assert_int_equal(run_command(&world).state, HYP_SESSION_DONE);
    world.meter.lost = 1;
    hyp_mbus_command_reset_application(&world.command, &world.link, &target, -1);
    assert_int_equal(run_command(&world).state, HYP_SESSION_DONE);
    assert_int_equal(world.meter.commands, 2);
}

static void check_set_baud(void **state)
{
    (void)state;
    struct command_world world;
    struct hyp_mbus_target target = by_primary(5);
    world_init(&world);
    assert_int_equal(
        hyp_mbus_command_set_baud(&world.command, &world.link, &target, 2400, 9600), HYP_OK);
    assert_int_equal(run_command(&world).state, HYP_SESSION_DONE);
    assert_int_equal(world.meter.baud, 9600);
    assert_int_equal(world.bus.baud, 9600);
    assert_int_equal(
        hyp_mbus_command_set_baud(&world.command, &world.link, &target, 9600, 1234),
        HYP_INVALID);
}

/* The meter acknowledges, but is not heard at the new rate: the line goes back. */
static void check_set_baud_fails(void **state)
{
    (void)state;
    struct command_world world;
    struct hyp_mbus_target target = by_primary(5);
    world_init(&world);
    assert_int_equal(
        hyp_mbus_command_set_baud(&world.command, &world.link, &target, 2400, 9600), HYP_OK);
    world.meter.no_reset_ack = true;
    struct hyp_session_io io = run_command(&world);
    assert_int_equal(io.status, HYP_TIMEOUT);
    assert_int_equal(world.bus.baud, 2400);
    assert_string_equal(hyp_mbus_command_ops.error_text(&world.command),
                        "the meter does not answer at 9600 baud; the line is back at 2400");
}

static void check_broadcast_command(void **state)
{
    (void)state;
    struct command_world world;
    struct hyp_mbus_target target = by_primary(HYP_MBUS_ADDRESS_ALL);
    const uint8_t set_time[] = {0x04, 0x6D, 0x1A, 0x0E, 0xCD, 0x13};
    uint8_t too_long[HYP_MBUS_USER_DATA_MAX + 1] = {0};
    world_init(&world);
    assert_int_equal(
        hyp_mbus_command_send(&world.command, &world.link, &target, set_time, sizeof(set_time)),
        HYP_OK);
    assert_int_equal(run_command(&world).state, HYP_SESSION_DONE);
    assert_int_equal(world.meter.commands, 1);
    assert_int_equal(
        hyp_mbus_command_send(&world.command, &world.link, &target, too_long, sizeof(too_long)),
        HYP_LIMIT);
}

static void check_command_to_nobody(void **state)
{
    (void)state;
    struct command_world world;
    struct hyp_mbus_target target = by_secondary("00000000");
    world_init(&world);
    hyp_mbus_command_reset_application(&world.command, &world.link, &target, -1);
    assert_int_equal(run_command(&world).status, HYP_TIMEOUT);
    assert_int_equal(world.meter.commands, 0);
    /* A session that has ended stays ended. */
    assert_int_equal(hyp_mbus_command_ops.tick(&world.command, (hyp_mono){INT64_MAX - 1}).state,
                     HYP_SESSION_FAILED);
}

int main(void)
{
    struct test_list list = {0};
    TEST_ONE(&list, check_set_address);
    TEST_ONE(&list, check_repeated_commands_are_new);
    TEST_ONE(&list, check_lost_acknowledgement);
    TEST_ONE(&list, check_set_baud);
    TEST_ONE(&list, check_set_baud_fails);
    TEST_ONE(&list, check_broadcast_command);
    TEST_ONE(&list, check_command_to_nobody);
    return test_list_run(&list, "mbus command");
}
