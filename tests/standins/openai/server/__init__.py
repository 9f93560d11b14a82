"""What stand-ins of servers with the OpenAI API are made of; it lies in the wheel of each."""
