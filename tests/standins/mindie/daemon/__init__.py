"""
Stand-in of MindIE's server: it refuses what MindIE refuses and answers from a table.

Its rules and words were read in what MindIE-LLM publishes (``src/server``, ``src/config_manager``,
``src/utils``, ``mindie_llm/server``, ``examples/atb_models``), not in this project. A comment says
where words are ours for want of a source.
"""
