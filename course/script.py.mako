"""${message.replace("_", " ").capitalize()}."""

from scripts.engine.revision import migration

revision = "${up_revision}"
down_revision = ${'None' if down_revision is None else '"%s"' % down_revision}

upgrade, downgrade = migration(__file__)
