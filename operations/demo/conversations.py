"""What people say on the demo calls.

A scene is a short script. A line begins with who speaks (`A:` agent, `U:` user, `P:` the person
a call is transferred to), or with `T:` for a tool (`name | type | arguments | result`) or `N:`
for the node of the conversation flow that begins. Names in braces are filled for each call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

Ending = Literal["user_hangup", "agent_hangup", "call_transfer", "user_requested_dnc"]


@dataclass(frozen=True)
class Scene:
    """One way a conversation goes; `moods` are weights of Positive, Neutral, Negative."""

    script: str
    summary: str
    weight: int = 10
    successful: bool = True
    ending: Ending = "agent_hangup"
    moods: tuple[int, int, int] = (45, 50, 5)
    analysis: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """(who, text) pairs in order."""
        rows = (line.strip() for line in self.script.strip().splitlines())
        return tuple((row[0], row[2:].strip()) for row in rows if row)


CLARIFICATIONS: tuple[tuple[str, str], ...] = (
    ("Could you spell the surname for me?", "Sure: {last_name_spelled}."),
    ("Sorry, the line is a little noisy. Could you say that again?", "Yes. Can you hear me now?"),
    ("And what is the best number to reach you on?", "This one is fine."),
    ("Let me just check that for you.", "Take your time."),
    ("May I have your date of birth, please?", "The fourteenth of {month}, {birth_year}."),
    ("Is there anything you would like me to note down?", "Just that mornings are hard for me."),
    ("Have you been in touch with us before?", "Yes, I think about a year ago."),
    ("Would you like a text message with the details?", "That would be great."),
)

FRONT_DESK = (
    Scene(
        """
        A: Acme Dental, this is Ivy. How can I help you today?
        U: Hi, I would like to book a {service}.
        N: Book a visit
        A: Happy to help with that. Is {weekday} a good day for you?
        U: {weekday} works, but not before ten.
        T: find free slots | check_availability_cal | {{"service": "{service}"}} | {{"free": 3}}
        A: I have {weekday} at {time}, or the day after at a quarter past two.
        U: {weekday} at {time}, please.
        T: book visit | book_appointment_cal | {{"at": "{time}"}} | {{"booking": "{reference}"}}
        A: You are booked for a {service} on {weekday} at {time}. Anything else, {first_name}?
        U: No, that was easy. Thank you!
        A: See you on {weekday}. Goodbye!
        """,
        "{first_name} booked a {service} for {weekday} at {time}.",
        weight=34,
        moods=(62, 36, 2),
        analysis={"appointment_booked": True, "service": "{service}", "new_patient": False},
    ),
    Scene(
        """
        A: Acme Dental, this is Ivy. How can I help you today?
        U: I have an appointment on {weekday} and I cannot make it.
        N: Reschedule
        A: No problem. Under which name is it?
        U: {first_name} {last_name}.
        T: find visit | custom | {{"name": "{last_name}"}} | {{"booking": "{reference}"}}
        A: I found it, a {service} on {weekday} at {time}. Shall I move it to next week?
        U: Yes, the same time next week would be perfect.
        T: move visit | custom | {{"booking": "{reference}", "weeks": 1}} | {{"ok": true}}
        A: Done. It is now a week later at {time}.
        U: Great, thanks a lot.
        """,
        "{first_name} {last_name} moved a {service} by one week.",
        weight=18,
        ending="user_hangup",
        analysis={"appointment_booked": True, "service": "{service}", "new_patient": False},
    ),
    Scene(
        """
        A: Acme Dental, this is Ivy. How can I help you today?
        U: How much is a {service} without insurance?
        N: Prices
        A: A {service} starts at {price} dollars. The dentist confirms it after a first look.
        U: That is more than I expected.
        A: I understand. We offer payment in three parts without interest.
        U: I will think about it and call back.
        A: Of course. Have a nice day!
        """,
        "The caller asked for the price of a {service} and will think about it.",
        weight=15,
        ending="user_hangup",
        successful=False,
        moods=(10, 65, 25),
        analysis={
            "appointment_booked": False,
            "service": "{service}",
            "new_patient": True,
            "quoted_price": "{price}",
        },
    ),
    Scene(
        """
        A: Acme Dental, this is Ivy. How can I help you today?
        U: My tooth broke and it hurts a lot.
        N: Emergency
        A: I am sorry to hear that. Are you bleeding, or is there any swelling?
        U: There is some swelling on the left side.
        A: Then I will put you through to {colleague} right away. Please stay on the line.
        T: call the dentist on duty | transfer_call | {{"reason": "swelling"}} | connected
        P: This is {colleague} at Acme Dental. Tell me what happened.
        """,
        "A patient with a broken tooth and swelling was put through to {colleague}.",
        weight=9,
        ending="call_transfer",
        moods=(10, 50, 40),
        analysis={"appointment_booked": False, "service": "emergency", "new_patient": False},
    ),
    Scene(
        """
        A: Acme Dental, this is Ivy. How can I help you today?
        U: Do you take {insurer}?
        A: We do. For the details of your plan I would put you through to our billing desk.
        U: Yes please, I have a question about my last bill too.
        T: billing desk | transfer_call | {{"topic": "{insurer}"}} | connected
        P: Billing, {colleague} speaking.
        """,
        "A question about {insurer} and the last bill went to the billing desk.",
        weight=8,
        ending="call_transfer",
        moods=(20, 65, 15),
        analysis={"appointment_booked": False, "service": "billing"},
    ),
    Scene(
        """
        A: Acme Dental, this is Ivy. How can I help you today?
        U: Can I speak to a person, please?
        A: I can book, move and cancel visits. What is it about?
        U: I do not want to talk to a machine.
        A: I understand. Our team is busy, may I take a message?
        U: Forget it.
        """,
        "The caller wanted to speak to a person and hung up.",
        weight=7,
        ending="user_hangup",
        successful=False,
        moods=(0, 15, 85),
        analysis={"appointment_booked": False},
    ),
    Scene(
        """
        A: Acme Dental, this is Ivy. How can I help you today?
        U: Oh, sorry, wrong number.
        A: No problem. Have a good day!
        """,
        "Wrong number.",
        weight=5,
        ending="user_hangup",
        successful=False,
        moods=(0, 95, 5),
        analysis={"appointment_booked": False},
    ),
)

AFTER_HOURS = (
    Scene(
        """
        A: Acme Dental, we are closed right now, but I can help. What is it about?
        U: I lost a filling this evening.
        A: Does it hurt, or is it only uncomfortable?
        U: It is only uncomfortable.
        T: find free slots | check_availability_cal | {{"kind": "urgent"}} | {{"free": 1}}
        A: I have an urgent slot on {weekday} at {time}. Shall I hold it for you?
        U: Yes, please.
        T: book visit | book_appointment_cal | {{"at": "{time}"}} | {{"booking": "{reference}"}}
        A: It is yours. Chew on the other side until then.
        U: Thank you, good night.
        """,
        "{first_name} lost a filling and got an urgent slot on {weekday} at {time}.",
        weight=30,
        moods=(55, 40, 5),
        analysis={"appointment_booked": True, "service": "filling", "urgent": True},
    ),
    Scene(
        """
        A: Acme Dental, we are closed right now, but I can help. What is it about?
        U: When do you open on {weekday}?
        A: On {weekday} we are open from eight to six.
        U: Thanks.
        """,
        "The caller asked for the opening hours.",
        weight=30,
        ending="user_hangup",
        analysis={"appointment_booked": False, "urgent": False},
    ),
    Scene(
        """
        A: Acme Dental, we are closed right now, but I can help. What is it about?
        U: My son fell and knocked a tooth out.
        A: Keep the tooth in milk, please. I am calling the dentist on duty.
        T: dentist on duty | transfer_call | {{"reason": "accident"}} | connected
        P: Doctor {colleague} here. How old is your son?
        """,
        "An accident with a child was put through to the dentist on duty.",
        weight=10,
        ending="call_transfer",
        moods=(5, 40, 55),
        analysis={"appointment_booked": False, "service": "emergency", "urgent": True},
    ),
)

REMINDER = (
    Scene(
        """
        A: Hello {first_name}, this is Acme Dental about your {service} on {weekday} at {time}.
        U: Oh yes, right.
        A: Can I confirm that you are coming?
        U: Yes, I will be there.
        T: confirm visit | custom | {{"booking": "{reference}"}} | {{"confirmed": true}}
        A: Wonderful. See you then!
        """,
        "{first_name} confirmed the {service} on {weekday} at {time}.",
        weight=55,
        moods=(40, 58, 2),
        analysis={"confirmed": True, "rescheduled": False},
    ),
    Scene(
        """
        A: Hello {first_name}, this is Acme Dental about your {service} on {weekday} at {time}.
        U: I was going to call you, I have to work that day.
        A: Shall I look for another day?
        U: Please. Maybe the week after.
        T: find free slots | check_availability_cal | {{"weeks": 2}} | {{"free": 4}}
        A: The week after I have {weekday} at a quarter to nine.
        U: I will take that.
        T: move visit | custom | {{"booking": "{reference}"}} | {{"ok": true}}
        A: Moved. You will get a text message. Goodbye!
        """,
        "{first_name} could not make it and moved the {service} by a week.",
        weight=28,
        analysis={"confirmed": True, "rescheduled": True},
    ),
    Scene(
        """
        A: Hello, this is Acme Dental. Am I speaking with {first_name}?
        U: No, you have the wrong number.
        A: I am sorry to have troubled you. Goodbye.
        """,
        "The number does not belong to the patient.",
        weight=8,
        ending="user_hangup",
        successful=False,
        moods=(0, 80, 20),
        analysis={"confirmed": False, "rescheduled": False},
    ),
)

RECALL = (
    Scene(
        """
        A: Hello {first_name}, this is Acme Dental. Your last check-up was a year ago.
        U: Has it been that long?
        A: It has. Would you like to book one now?
        U: Why not. Do you have something in the afternoon?
        T: find free slots | check_availability_cal | {{"part": "afternoon"}} | {{"free": 2}}
        A: {weekday} at {time} is free.
        U: Good, put me down.
        T: book visit | book_appointment_cal | {{"at": "{time}"}} | {{"booking": "{reference}"}}
        A: Thank you, {first_name}. See you on {weekday}.
        """,
        "{first_name} booked a check-up for {weekday} at {time}.",
        weight=30,
        moods=(55, 43, 2),
        analysis={"appointment_booked": True, "interest": "high"},
    ),
    Scene(
        """
        A: Hello {first_name}, this is Acme Dental. Your last check-up was a year ago.
        U: I am driving right now.
        A: No problem. May I call again tomorrow?
        U: Yes, tomorrow is fine.
        """,
        "{first_name} was driving; call again tomorrow.",
        weight=24,
        ending="user_hangup",
        successful=False,
        moods=(5, 85, 10),
        analysis={"appointment_booked": False, "interest": "later"},
    ),
    Scene(
        """
        A: Hello {first_name}, this is Acme Dental. Your last check-up was a year ago.
        U: I moved away, please take me off your list.
        A: I will do that right now. All the best in your new home!
        """,
        "{first_name} moved away and asked not to be called again.",
        weight=6,
        ending="user_requested_dnc",
        successful=False,
        moods=(0, 60, 40),
        analysis={"appointment_booked": False, "interest": "none"},
    ),
)

DENTAL_WEB = (
    Scene(
        """
        A: Hi, I am the voice of Acme Dental's website. What would you like to know?
        U: Do you treat children?
        A: Yes, from the age of three. Doctor {colleague} sees most of our children.
        U: Do I need to bring anything?
        A: Only the insurance card. Shall I book a first visit?
        U: Not yet, thank you.
        """,
        "A visitor asked about treatment of children.",
        ending="user_hangup",
        analysis={"topic": "children", "appointment_booked": False},
    ),
    Scene(
        """
        A: Hi, I am the voice of Acme Dental's website. What would you like to know?
        U: I want to try how you sound.
        A: Here I am. I can answer questions and book visits.
        U: Book me a {service} on {weekday}, please.
        T: book visit | book_appointment_cal | {{"at": "{time}"}} | {{"booking": "{reference}"}}
        A: Booked for {weekday} at {time}.
        U: Impressive. Bye!
        """,
        "A visitor booked a {service} for {weekday} by voice.",
        ending="user_hangup",
        moods=(80, 20, 0),
        analysis={"topic": "booking", "appointment_booked": True},
    ),
)

CLAIMS = (
    Scene(
        """
        A: Globex Insurance claims, my name is Theo. Are you safe right now?
        U: Yes, I am fine. Somebody drove into my parked car.
        N: Motor claim
        A: I am sorry. Could I have your policy number?
        U: It is {policy}.
        T: find policy | custom | {{"policy": "{policy}"}} | {{"holder": "{last_name}"}}
        A: Thank you, {first_name}. When and where did it happen?
        U: This morning in {city}, outside my house.
        A: Did the other driver leave their details?
        U: Yes, a note with a name and a number.
        T: open claim | custom | {{"kind": "motor"}} | {{"claim": "{reference}"}}
        A: I have opened claim {reference}. A colleague will call you within one working day.
        U: Thank you, that was quick.
        """,
        "{first_name} {last_name} reported damage to a parked car in {city}; claim {reference}.",
        weight=32,
        moods=(35, 55, 10),
        analysis={"claim_type": "motor", "claim_opened": True, "injury": False},
    ),
    Scene(
        """
        A: Globex Insurance claims, my name is Theo. Are you safe right now?
        U: Yes. A pipe burst and my kitchen is under water.
        N: Home claim
        A: Have you turned the water off at the main valve?
        U: Yes, just now.
        A: Good. Could I have your policy number?
        U: {policy}.
        T: find policy | custom | {{"policy": "{policy}"}} | {{"holder": "{last_name}"}}
        A: Please take photographs before you clean up. Shall I send a plumber?
        U: Yes, please, as soon as possible.
        T: order plumber | integration_app | {{"city": "{city}"}} | {{"arrives": "{time}"}}
        T: open claim | custom | {{"kind": "home"}} | {{"claim": "{reference}"}}
        A: A plumber arrives at {time}. Your claim is {reference}.
        U: You are a life saver.
        """,
        "Burst pipe in {city}: plumber sent for {time}, claim {reference} opened.",
        weight=22,
        moods=(50, 35, 15),
        analysis={"claim_type": "home", "claim_opened": True, "injury": False},
    ),
    Scene(
        """
        A: Globex Insurance claims, my name is Theo. Are you safe right now?
        U: I am calling about claim {reference}. I have been waiting for three weeks.
        T: find claim | custom | {{"claim": "{reference}"}} | {{"state": "in review"}}
        A: It is in review since Monday. I am sorry that it takes so long.
        U: That is what I was told last week.
        A: I will put you through to the person who handles it.
        T: claim handler | transfer_call | {{"claim": "{reference}"}} | connected
        P: {colleague}, claims. Let me look at your file.
        """,
        "An unhappy customer asked about claim {reference} and was put through to {colleague}.",
        weight=16,
        ending="call_transfer",
        moods=(2, 28, 70),
        analysis={"claim_type": "motor", "claim_opened": False, "injury": False},
    ),
    Scene(
        """
        A: Globex Insurance claims, my name is Theo. Are you safe right now?
        U: Hello? Hello?
        A: I can hear you. Are you safe right now?
        """,
        "The caller could not hear the agent and hung up.",
        weight=6,
        ending="user_hangup",
        successful=False,
        moods=(0, 60, 40),
        analysis={"claim_opened": False},
    ),
)

POLICY = (
    Scene(
        """
        A: Globex Insurance, Mira speaking. How can I help?
        U: Am I covered when my brother drives my car?
        A: Let me look at your policy. What is the number?
        U: {policy}.
        T: find policy | custom | {{"policy": "{policy}"}} | {{"drivers": "named only"}}
        A: Your policy covers named drivers only. I can add him for {price} dollars a year.
        U: Then please add him.
        T: add driver | custom | {{"policy": "{policy}"}} | {{"ok": true}}
        A: He is covered from midnight. You will get the papers by mail.
        U: Perfect, thank you.
        """,
        "{first_name} added a driver to policy {policy} for {price} dollars a year.",
        weight=25,
        moods=(50, 45, 5),
        analysis={"topic": "drivers", "policy_changed": True, "amount": "{price}"},
    ),
    Scene(
        """
        A: Globex Insurance, Mira speaking. How can I help?
        U: I have moved to {city} and need to change my address.
        A: Of course. What is your policy number?
        U: {policy}.
        T: change address | custom | {{"city": "{city}"}} | {{"ok": true}}
        A: Your address is changed, and your price stays the same.
        U: Good. Bye.
        """,
        "{first_name} {last_name} moved to {city}; address changed.",
        weight=25,
        analysis={"topic": "address", "policy_changed": True},
    ),
    Scene(
        """
        A: Globex Insurance, Mira speaking. How can I help?
        U: Why did my premium go up by {price} dollars?
        A: Prices for repairs went up. Your own rating did not change.
        U: I do not accept that. I want to cancel.
        A: I can put you through to a colleague who can look at your options.
        T: retention desk | transfer_call | {{"policy": "{policy}"}} | connected
        P: {colleague} here. Let us see what we can do.
        """,
        "A customer unhappy about a premium increase went to the retention desk.",
        weight=14,
        ending="call_transfer",
        moods=(2, 18, 80),
        analysis={"topic": "premium", "policy_changed": False, "amount": "{price}"},
    ),
    Scene(
        """
        A: Globex Insurance, Mira speaking. How can I help?
        U: I need a certificate for my travel insurance by tomorrow.
        A: I can send it by mail today. Is your address still up to date?
        U: Yes.
        T: send certificate | custom | {{"policy": "{policy}"}} | {{"sent": true}}
        A: It is on its way. Have a good trip!
        U: Thanks!
        """,
        "Travel certificate sent by mail.",
        weight=16,
        ending="user_hangup",
        moods=(60, 38, 2),
        analysis={"topic": "certificate", "policy_changed": False},
    ),
)

QUOTE_FOLLOW_UP = (
    Scene(
        """
        A: Good day {first_name}, this is Globex about the car quote you asked for.
        U: Yes, I remember.
        A: It is {price} dollars a year with a low excess. Would you like to start on {weekday}?
        U: That is better than what I pay now. Let us do it.
        T: accept quote | custom | {{"quote": "{reference}"}} | {{"policy": "{policy}"}}
        A: Welcome to Globex, {first_name}. Your policy starts on {weekday}.
        """,
        "{first_name} accepted quote {reference} for {price} dollars a year.",
        weight=22,
        moods=(70, 30, 0),
        analysis={"accepted": True, "amount": "{price}", "objection": "none"},
    ),
    Scene(
        """
        A: Good day {first_name}, this is Globex about the car quote you asked for.
        U: It was too expensive.
        A: I can lower it to {price} dollars with a higher excess.
        U: No, I have signed with somebody else.
        A: I understand. Thank you for your time.
        """,
        "{first_name} found the quote too expensive and chose another insurer.",
        weight=26,
        ending="user_hangup",
        successful=False,
        moods=(2, 68, 30),
        analysis={"accepted": False, "amount": "{price}", "objection": "price"},
    ),
    Scene(
        """
        A: Good day {first_name}, this is Globex about the car quote you asked for.
        U: I am in a meeting. Call me on {weekday}.
        A: I will. Have a good day.
        """,
        "Busy; call again on {weekday}.",
        weight=20,
        ending="user_hangup",
        successful=False,
        moods=(2, 88, 10),
        analysis={"accepted": False, "objection": "timing"},
    ),
)

RENEWAL = (
    Scene(
        """
        A: Hello {first_name}, your Globex policy {policy} ends this month. Shall I renew it?
        U: Does the price change?
        A: It stays at {price} dollars a year.
        U: Then renew it, please.
        T: renew policy | custom | {{"policy": "{policy}"}} | {{"ok": true}}
        A: Renewed. The papers are on their way. Goodbye!
        """,
        "{first_name} renewed policy {policy} at {price} dollars a year.",
        weight=40,
        moods=(45, 53, 2),
        analysis={"renewed": True, "amount": "{price}"},
    ),
    Scene(
        """
        A: Hello {first_name}, your Globex policy {policy} ends this month. Shall I renew it?
        U: I would like to compare first.
        A: Of course. The offer stands until the end of the month.
        U: Thanks, bye.
        """,
        "{first_name} wants to compare before renewing.",
        weight=28,
        ending="user_hangup",
        successful=False,
        moods=(5, 85, 10),
        analysis={"renewed": False},
    ),
    Scene(
        """
        A: Hello {first_name}, your Globex policy {policy} ends this month. Shall I renew it?
        U: Stop calling me.
        A: I have noted that you do not want any more calls. Goodbye.
        """,
        "{first_name} asked not to be called again.",
        weight=6,
        ending="user_requested_dnc",
        successful=False,
        moods=(0, 10, 90),
        analysis={"renewed": False},
    ),
)

ROADSIDE = (
    Scene(
        """
        A: Globex roadside assistance. Are you in a safe place?
        U: I am on the hard shoulder near {city} with a flat tyre.
        A: Please stand behind the barrier. What is your plate?
        U: {reference}.
        T: send patrol | integration_app | {{"near": "{city}"}} | {{"minutes": 35}}
        A: A patrol is on its way and arrives in about thirty-five minutes.
        U: Thank you.
        """,
        "Flat tyre near {city}: patrol sent, about 35 minutes.",
        weight=30,
        moods=(30, 55, 15),
        analysis={"problem": "tyre", "patrol_sent": True},
    ),
    Scene(
        """
        A: Globex roadside assistance. Are you in a safe place?
        U: I am at home in {city}. The car does not start.
        A: It is probably the battery. What is your plate?
        U: {reference}.
        T: send patrol | integration_app | {{"near": "{city}"}} | {{"minutes": 80}}
        A: A patrol will be with you in about eighty minutes.
        U: That long? Fine.
        """,
        "Car does not start in {city}: patrol sent, about 80 minutes.",
        weight=30,
        moods=(10, 60, 30),
        analysis={"problem": "battery", "patrol_sent": True},
    ),
    Scene(
        """
        A: Globex roadside assistance. Are you in a safe place?
        U: There was a crash, my wife is hurt.
        A: Please call the emergency number first. I connect you with our duty officer now.
        T: duty officer | transfer_call | {{"injury": true}} | connected
        P: {colleague}, duty officer. I am with you.
        """,
        "A crash with an injured person went to the duty officer.",
        weight=5,
        ending="call_transfer",
        moods=(0, 20, 80),
        analysis={"problem": "crash", "patrol_sent": False},
    ),
)

INSURANCE_WEB = (
    Scene(
        """
        A: Welcome to Globex. Shall we work out a price together?
        U: Yes, for travel insurance to {city}, two people.
        A: How long will you be away?
        U: Ten days, from {weekday}.
        T: price trip | custom | {{"days": 10, "people": 2}} | {{"price": {price}}}
        A: That is {price} dollars for both of you. Shall I send the offer?
        U: Yes, please.
        A: It is in your inbox. Have a good trip!
        """,
        "Travel quote of {price} dollars for two people to {city}.",
        moods=(55, 43, 2),
        analysis={"product": "travel", "amount": "{price}", "offer_sent": True},
    ),
    Scene(
        """
        A: Welcome to Globex. Shall we work out a price together?
        U: I only want to know what a call costs.
        A: Talking to me is free.
        U: Alright.
        """,
        "A visitor tried the voice on the website.",
        ending="user_hangup",
        successful=False,
        moods=(10, 85, 5),
        analysis={"offer_sent": False},
    ),
)

VOICEMAIL = Scene(
    """
    U: You have reached my voicemail. Please leave a message after the tone.
    A: Hello {first_name}, {company} here. We will try again. You can also call us back any time.
    """,
    "Voicemail; a short message was left.",
    successful=False,
)

SILENCE = Scene(
    """
    A: {company}, how can I help you?
    A: Hello, are you still there?
    A: I cannot hear you, so I will hang up now. Please call again.
    """,
    "Nobody spoke; the agent hung up after a while.",
    successful=False,
)
