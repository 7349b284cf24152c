"""A month in a small hospital, as access events: what the demo sends, from a seed.

Who: four wards' staff, a laboratory that works in batches at night, two break-glass accesses, one
employee who is curious about a patient she does not treat, and one patient who has no key yet.
"""

import json
import random
import uuid
from datetime import datetime, timedelta, timezone

PATIENTS = {
    "ada": "Ada Meier",
    "bruno": "Bruno Costa",
    "chiara": "Chiara Rossi",
    "dieter": "Dieter Frei",
    "elif": "Elif Kaya",
}
AUDITORS = {
    "auditco": ("AuditCo", ["ada", "bruno", "chiara"]),
    "watchmed": ("WatchMed", ["chiara", "dieter", "elif"]),
}
STAFF = {
    "dr.weber": ("physician", "Internal medicine"),
    "dr.okafor": ("physician", "Emergency"),
    "n.keller": ("nurse", "Ward 2"),
    "n.silva": ("nurse", "Ward 3"),
    "adm.brunner": ("administration", "Front desk"),
}
CURIOUS = "adm.brunner"
SOURCES = {"ehr-1": "Hospital record", "lab-1": "Laboratory"}


def trace(now, seed=7):
    """Returns {source: [event]} over the 30 days before now, in the order of time."""
    rng = random.Random(seed)
    events = {source: [] for source in SOURCES}

    def add(source, when, patient, user, action, **more):
        event = {
            "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "time": when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z",
            "patient": patient,
            "user": user,
            "action": action,
        }
        if user in STAFF:
            event["role"], event["organization"] = STAFF[user]
        event.update(more)
        if when < now:
            events[source].append(event)

    start = (now - timedelta(days=30)).replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(31):
        date = start + timedelta(days=day)
        at = lambda hour: date + timedelta(hours=hour, seconds=rng.randrange(3000))
        is_weekend = date.weekday() >= 5
        for patient in PATIENTS:
            if rng.random() < (0.3 if is_weekend else 0.7):
                doctor = rng.choice(["dr.weber", "dr.okafor"])
                record = f"Encounter/{patient}-{day}"
                add("ehr-1", at(9), patient, doctor, "read", record=record, purpose="TREAT")
                add("ehr-1", at(10), patient, doctor, "change", record=record, purpose="TREAT")
            if rng.random() < 0.5:
                nurse = rng.choice(["n.keller", "n.silva"])
                add("ehr-1", at(rng.choice([6, 14, 22])), patient, nurse, "read", purpose="TREAT",
                    record=f"Observation/{patient}-vitals", place="bedside terminal")
            if not is_weekend and rng.random() < 0.1:
                add("ehr-1", at(11), patient, "adm.brunner", "print", purpose="HPAYMT",
                    record=f"Invoice/{patient}-{day}")
            # The laboratory's night batch: created at 02:00, copied into the record.
            if rng.random() < 0.25:
                report = f"DiagnosticReport/{patient}-{day}"
                add("lab-1", at(2), patient, "lab-batch", "create", record=report, purpose="TREAT")
                add("lab-1", at(3), patient, "lab-batch", "copy", record=report, purpose="TREAT")
        if day in (4, 11, 12, 19):
            add("ehr-1", at(20), "ada", CURIOUS, "query", detail="searched for Meier")
            add("ehr-1", at(20), "ada", CURIOUS, "read", record="Condition/ada-history")
    add("ehr-1", start + timedelta(days=8, hours=1, minutes=12), "dieter", "dr.okafor", "read",
        purpose="BTG", record="Patient/dieter", detail="unconscious on arrival")
    add("ehr-1", start + timedelta(days=23, hours=3, minutes=40), "chiara", "dr.okafor", "read",
        purpose="BTG", record="AllergyIntolerance/chiara", detail="anaphylaxis")
    add("ehr-1", start + timedelta(days=15, hours=16), "bruno", "dr.weber", "delete",
        purpose="HOPERAT", record="DocumentReference/bruno-duplicate")
    for source in events:
        events[source].sort(key=lambda e: e["time"])
    return events


def write(path, events):
    with open(path, "w", encoding="utf-8") as f:
        for event in events:
            f.write(json.dumps(event, separators=(",", ":")) + "\n")


def now_utc():
    return datetime.now(timezone.utc)
