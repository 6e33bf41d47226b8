"""What all tables share: one metadata, and the types of ids and times."""

from sqlalchemy import BigInteger, Column, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives rowids only to INTEGER; both databases hold 64 bits in it.
Id = BigInteger().with_variant(Integer(), "sqlite")
Micros = BigInteger


def id_column() -> Column[int]:
    """Return a primary key that the database counts up."""
    return Column("id", Id, primary_key=True, autoincrement=True)
