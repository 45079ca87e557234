"""The two sides of a pair behind one Protocol.

base       the contract that every side keeps
memory     a side made of dictionaries: the reference
folder/    a folder on this machine
fluxiom/   a Fluxiom account
"""
