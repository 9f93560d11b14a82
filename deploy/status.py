"""What runs where: ``--data page=FILE`` writes it as a page, ``--data status=FILE`` as JSON."""

from roles import status

status.show()
