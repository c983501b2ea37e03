"""Make, update and delete objects of a virtual host, over AMQP or HTTP."""
